#include "frontend/layers/interpolation.h"

#include <string>

#include "frontend/graph/apply.h"

namespace mica::internal {

Tensor interpolated(const Tensor& images, const ir::Dims& size, std::string_view interpolation, bool antialias) {
  std::string method(interpolation);
  if (method == "bilinear") method = "linear";
  if (method == "bicubic") method = "cubic";
  return apply("resize", {images}, {{"size", size}, {"method", method}, {"antialias", antialias}});
}

}  // namespace mica::internal
