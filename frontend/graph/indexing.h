// x[…] on values of any kind; Tensor::operator[] records it on symbolic ones.
#pragma once
#include <span>

#include "frontend/mica/tensor.h"

namespace mica::internal {

// The elements that the key names, one entry an axis from the front. A mask must be concrete.
Tensor indexed(const Tensor& x, std::span<const Index> key);

}  // namespace mica::internal
