// Values between the elements of images: for layers that bring them to another size.
#pragma once
#include <initializer_list>
#include <string_view>

#include "compiler/graph/dim.h"
#include "frontend/mica/tensor.h"

namespace mica::internal {

// Keras' names.
inline const std::initializer_list<std::string_view> kInterpolations = {"nearest", "bilinear", "bicubic", "lanczos3",
                                                                        "lanczos5"};

// Channels-last float images at another size; the centers of the outer elements keep their distance from the border.
// `antialias`: a smaller result sums up all elements that fall on one of its own.
Tensor interpolated(const Tensor& images, const ir::Dims& size, std::string_view interpolation, bool antialias = false);

}  // namespace mica::internal
