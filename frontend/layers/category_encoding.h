// Numbers of categories as vectors: what CategoryEncoding, Discretization and IntegerLookup share.
#pragma once
#include <string_view>

#include "frontend/mica/tensor.h"

namespace mica::internal {

// Keras' output modes "one_hot", "multi_hot" and "count" of ids over `depth` categories; ids beyond count as none.
// one_hot gives every id an axis of its own, or replaces a last axis of 1; the others fold axis 1 (of a vector axis 0).
// `weights` (undefined: 1 each) are those of "count".
Tensor encode_categories(const Tensor& ids, std::string_view output_mode, std::int64_t depth, DType dtype,
                         const Tensor& weights = {});

}  // namespace mica::internal
