#include "frontend/training/streams/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

double triangle(double x) { return std::max(0.0, 1 - x); }

// Two cubics, from 0 to 1 and from 1 to 2, of the family of Mitchell and Netravali.
double cubic(double x, double b, double c) {
  const double x2 = x * x, x3 = x2 * x;
  if (x < 1) return ((12 - 9 * b - 6 * c) * x3 + (-18 + 12 * b + 6 * c) * x2 + (6 - 2 * b)) / 6;
  if (x >= 2) return 0;
  return ((-b - 6 * c) * x3 + (6 * b + 30 * c) * x2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)) / 6;
}
double keys(double x) { return cubic(x, 0, 0.5); }
double mitchell(double x) { return cubic(x, 1.0 / 3, 1.0 / 3); }

double lanczos(double x, double radius) {
  if (x >= radius) return 0;
  if (x < 1e-3) return 1;
  const double at = std::numbers::pi * x;
  return radius * std::sin(at) * std::sin(at / radius) / (at * at);
}
double lanczos3(double x) { return lanczos(x, 3); }
double lanczos5(double x) { return lanczos(x, 5); }

constexpr double kGaussianRadius = 1.5;
double gaussian(double x) {
  const double deviation = kGaussianRadius / 3;
  return x < kGaussianRadius ? std::exp(-x * x / (2 * deviation * deviation)) : 0;
}

struct Method {
  std::string_view name;
  double radius;             // of what an element sees, in elements
  double (*weight)(double);  // by the distance; null: the method chooses elements otherwise
  double steps = 0;          // of an element, at which the weights are tabulated; 0: everywhere
};

constexpr Method kMethods[] = {{"nearest", 0, nullptr},
                               {"bilinear", 1, triangle},
                               {"bicubic", 2, keys, 1024},
                               {"area", 0, nullptr},
                               {"lanczos3", 3, lanczos3},
                               {"lanczos5", 5, lanczos5},
                               {"gaussian", kGaussianRadius, gaussian},
                               {"mitchellcubic", 2, mitchell}};

const Method& method_of(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& m) { return m.name == name; });
  MICA_CHECK(found != std::end(kMethods)) << name;
  return *found;
}

// What one element of the result is the weighted sum of: neighbours from `first` on.
struct Taps {
  std::int64_t first = 0;
  std::vector<double> weights;
};

Taps nearest_taps(std::int64_t at, double scale, std::int64_t from) {
  const auto nearest = static_cast<std::int64_t>(std::floor((static_cast<double>(at) + 0.5) * scale));
  return {std::min(nearest, from - 1), {1.0}};
}

// The share of each element that the interval of the result covers.
Taps area_taps(std::int64_t at, double scale, std::int64_t from) {
  const double begin = static_cast<double>(at) * scale, end = begin + scale;
  Taps taps{static_cast<std::int64_t>(std::floor(begin)), {}};
  for (std::int64_t i = taps.first; static_cast<double>(i) < end && i < from; ++i)
    taps.weights.push_back(std::min(end, static_cast<double>(i + 1)) - std::max(begin, static_cast<double>(i)));
  return taps;
}

// Elements outside of the picture do not count.
Taps kernel_taps(std::int64_t at, double scale, std::int64_t from, const Method& method) {
  double center = (static_cast<double>(at) + 0.5) * scale;
  if (method.steps > 0) center = std::nearbyint((center - 0.5) * method.steps) / method.steps + 0.5;
  const auto begin = static_cast<std::int64_t>(std::ceil(center - method.radius - 0.5));
  const auto end = static_cast<std::int64_t>(std::floor(center + method.radius - 0.5)) + 1;
  Taps taps{std::clamp<std::int64_t>(begin, 0, from - 1), {}};
  for (std::int64_t i = taps.first; i < std::min(end, from); ++i)
    taps.weights.push_back(method.weight(std::abs(static_cast<double>(i) + 0.5 - center)));
  return taps;
}

std::vector<Taps> taps_of(std::int64_t from, std::int64_t to, const Method& method) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> all;
  for (std::int64_t at = 0; at < to; ++at) {
    Taps taps = method.weight           ? kernel_taps(at, scale, from, method)
                : method.name == "area" ? area_taps(at, scale, from)
                                        : nearest_taps(at, scale, from);
    double sum = 0;
    for (double weight : taps.weights) sum += weight;
    for (double& weight : taps.weights) weight /= sum;
    all.push_back(std::move(taps));
  }
  return all;
}

struct Rectangle {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};
// What is read of the picture, and where it goes in the result.
struct Placement {
  Rectangle from, to;
};

// The middle of the picture that has the ratio of the result's sides, as keras.utils.smart_resize cuts it.
Rectangle middle_of(const Rectangle& picture, const Rectangle& result) {
  Rectangle part;
  part.height = std::clamp<std::int64_t>(picture.width * result.height / result.width, 1, picture.height);
  part.width = std::clamp<std::int64_t>(picture.height * result.width / result.height, 1, picture.width);
  part.top = (picture.height - part.height) / 2;
  part.left = (picture.width - part.width) / 2;
  return part;
}

// The part of the result that the whole picture fills, as tf.image.resize_with_pad places it: in float32.
Rectangle inner_part(const Rectangle& picture, const Rectangle& result) {
  const auto real = [](std::int64_t size) { return static_cast<float>(size); };
  const auto whole = [](float size) { return static_cast<std::int64_t>(std::floor(size)); };
  const float ratio = std::max(real(picture.width) / real(result.width), real(picture.height) / real(result.height));
  const float height = real(picture.height) / ratio, width = real(picture.width) / ratio;
  return {std::max<std::int64_t>(0, whole((real(result.height) - height) / 2)),
          std::max<std::int64_t>(0, whole((real(result.width) - width) / 2)), std::max<std::int64_t>(1, whole(height)),
          std::max<std::int64_t>(1, whole(width))};
}

Placement placement_of(const rt::Array& image, std::array<std::int64_t, 2> size, Fit fit) {
  const Rectangle picture{0, 0, image.dims()[0], image.dims()[1]}, result{0, 0, size[0], size[1]};
  switch (fit) {
    case Fit::kCrop:
      return {middle_of(picture, result), result};
    case Fit::kPad:
      return {picture, inner_part(picture, result)};
    case Fit::kStretch:
      break;
  }
  return {picture, result};
}

// `elements` is where the row of the picture begins; its columns are resampled.
void resample_row(const std::uint8_t* elements, std::int64_t channels, const std::vector<Taps>& columns, double* out) {
  for (const Taps& taps : columns) {
    std::fill(out, out + channels, 0.0);
    const std::uint8_t* element = elements + taps.first * channels;
    for (double weight : taps.weights) {
      for (std::int64_t c = 0; c < channels; ++c) out[c] += weight * *element++;
    }
    out += channels;
  }
}

}  // namespace

std::vector<std::string> resampling_methods() {
  std::vector<std::string> names;
  for (const Method& method : kMethods) names.emplace_back(method.name);
  return names;
}

void resample(const rt::Array& image, std::array<std::int64_t, 2> size, std::string_view name, Fit fit, float* out) {
  const auto [from, to] = placement_of(image, size, fit);
  const Method& method = method_of(name);
  const std::vector<Taps> rows = taps_of(from.height, to.height, method),
                          columns = taps_of(from.width, to.width, method);
  const std::int64_t channels = image.dims()[2];
  const auto stride = static_cast<std::size_t>(to.width * channels);
  std::vector<double> partial(static_cast<std::size_t>(from.height) * stride), sum(stride);
  for (std::int64_t row = 0; row < from.height; ++row) {
    const std::int64_t begin = (from.top + row) * image.dims()[1] + from.left;
    resample_row(image.as<std::uint8_t>() + begin * channels, channels, columns,
                 &partial[static_cast<std::size_t>(row) * stride]);
  }
  std::fill(out, out + size[0] * size[1] * channels, 0.0f);
  out += (to.top * size[1] + to.left) * channels;
  for (const Taps& taps : rows) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t i = 0; i < taps.weights.size(); ++i) {
      const double* row = &partial[(static_cast<std::size_t>(taps.first) + i) * stride];
      for (std::size_t at = 0; at < stride; ++at) sum[at] += taps.weights[i] * row[at];
    }
    std::transform(sum.begin(), sum.end(), out, [](double value) { return static_cast<float>(value); });
    out += size[1] * channels;
  }
}

}  // namespace mica::internal
