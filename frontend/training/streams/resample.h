// Pictures at another size, as tf.image.resize brings them there: the centers of the outer elements keep their distance
// from the border, and a smaller picture is not smoothed first.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/array.h"

namespace mica::internal {

// "nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic".
std::vector<std::string> resampling_methods();

// How a picture of another ratio of its sides fits: stretched, its middle alone, or with black borders.
enum class Fit { kStretch, kCrop, kPad };

// A uint8 picture [height, width, channels] at `size`, float32 from 0 to 255 (cubic and Lanczos go beyond), written to
// `out`.
void resample(const rt::Array& image, std::array<std::int64_t, 2> size, std::string_view method, Fit fit, float* out);

}  // namespace mica::internal
