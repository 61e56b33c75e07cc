// keras.ops.normalize: vectors along some axes, scaled to length 1.
#pragma once
#include "compiler/graph/attrs.h"
#include "frontend/mica/tensor.h"

namespace mica::internal {

inline constexpr double kKerasEpsilon = 1e-7;  // keras.config.epsilon()

// Nothing is scaled by more than 1 / epsilon: a vector of zeros stays.
Tensor unit_length(const Tensor& x, const ir::Ints& axes, double epsilon = kKerasEpsilon);

}  // namespace mica::internal
