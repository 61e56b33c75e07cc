// Padding, resizing, sampling and shuffling of torch.nn.functional: NCHW.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct PadOptions {
  std::string mode = "constant";  // "reflect", "replicate", "circular"
  double value = 0;
};
// Two sizes an axis, the last axis first.
Tensor pad(const Tensor& x, std::initializer_list<std::int64_t> pad, PadOptions options = {});
Tensor pad(const Tensor& x, const std::vector<std::int64_t>& pad, PadOptions options = {});
struct InterpolateOptions {
  std::vector<std::int64_t> size = {};
  std::optional<double> scale_factor = {};
  std::string mode = "nearest";  // "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"
  bool align_corners = false, recompute_scale_factor = false, antialias = false;
};
Tensor interpolate(const Tensor& x, InterpolateOptions options);
struct GridSampleOptions {
  std::string mode = "bilinear";       // "nearest", "bicubic"
  std::string padding_mode = "zeros";  // "border", "reflection"
  bool align_corners = false;
};
// x [N, C, H, W], grid [N, h, w, 2] of (x, y) in [-1, 1]; or [N, C, D, H, W] with [N, d, h, w, 3].
Tensor grid_sample(const Tensor& x, const Tensor& grid, GridSampleOptions options = {});
// theta [N, 2, 3] and size [N, C, H, W], or [N, 3, 4] and [N, C, D, H, W].
Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners = false);
Tensor pixel_shuffle(const Tensor& x, std::int64_t upscale_factor);
Tensor pixel_unshuffle(const Tensor& x, std::int64_t downscale_factor);
Tensor channel_shuffle(const Tensor& x, std::int64_t groups);

}  // namespace mica::F
