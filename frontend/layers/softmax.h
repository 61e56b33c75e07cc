// Softmax over one axis or several, under a mask.
#pragma once
#include "compiler/graph/attrs.h"
#include "frontend/mica/tensor.h"

namespace mica::internal {

// Where `mask` (which broadcasts to x and may be undefined) is false the result is 0, in a row without any true too.
Tensor masked_softmax(const Tensor& x, const Tensor& mask, const ir::Ints& axes);

}  // namespace mica::internal
