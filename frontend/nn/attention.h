// A call of nn::MultiheadAttention through any handle to it.
#pragma once
#include "frontend/mica/nn/transformer.h"

namespace mica::internal {

nn::MultiheadAttentionResult attend(const Layer& attention, const Tensor& query, const Tensor& key, const Tensor& value,
                                    const nn::MultiheadAttentionCall& options);

}  // namespace mica::internal
