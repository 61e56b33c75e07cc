// What the attention layers share: calls by the names of their arguments, and masks that follow from positions.
#pragma once
#include "frontend/graph/value.h"
#include "frontend/mica/layers/attention.h"

namespace mica::internal {

// The results of the layer: the output, and the scores where they are asked for.
Tensors call_attention(const Layer& layer, const Tensor& query, const Tensor& value, const AttentionCall& call,
                       bool return_scores);
std::pair<Tensor, Tensor> call_with_scores(const Layer& layer, const Tensor& query, const Tensor& value,
                                           const AttentionCall& call);

// [1, queries, values]: true where the value is no later than the query; where they are fewer than `width` steps apart.
Tensor causal_mask(const ir::Dim& queries, const ir::Dim& values);
Tensor window_mask(const ir::Dim& queries, const ir::Dim& values, std::int64_t width);

// Masks of which both must hold; either may be undefined.
Tensor both(const Tensor& a, const Tensor& b);

}  // namespace mica::internal
