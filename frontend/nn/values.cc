// Values of new parameters, and numbers as Python prints them.
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/nn/builtin_module.h"

namespace mica::internal {
namespace {

template <class Draw>
Tensor drawn(const Shape& shape, Draw draw) {
  RandomStream stream;
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (float& value : values) value = static_cast<float>(draw(stream));
  return tensor(values, shape);
}

}  // namespace

Tensor uniform_values(const Shape& shape, double low, double high) {
  return drawn(shape, [&](RandomStream& stream) { return low + (high - low) * stream.uniform(); });
}
Tensor normal_values(const Shape& shape, double mean, double deviation) {
  return drawn(shape, [&](RandomStream& stream) { return mean + deviation * stream.normal(); });
}

Fans fans_of(const Shape& shape) {
  if (shape.rank() < 2) {
    throw Error({.where = "nn::init",
                 .expected = "a weight of rank 2 or more",
                 .received = shape.to_string(),
                 .hint = "Fans are those of matrices and convolutions."});
  }
  double window = 1;
  for (int i = 2; i < shape.rank(); ++i) window *= static_cast<double>(shape[i]);
  return {static_cast<double>(shape[1]) * window, static_cast<double>(shape[0]) * window};
}

double default_bound(const Shape& weight_shape) {
  double fan = fans_of(weight_shape).in;
  return fan > 0 ? 1 / std::sqrt(fan) : 0;
}

std::string python_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[40];
  auto written = [&](std::chars_format format) {
    return std::string(text, std::to_chars(text, text + sizeof text, value, format).ptr);
  };
  int exponent = value == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::fabs(value))));
  if (exponent < -4 || exponent >= 16) return written(std::chars_format::scientific);
  std::string fixed = written(std::chars_format::fixed);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}
std::string python_text(bool value) { return value ? "True" : "False"; }
std::string python_text(std::int64_t value) { return absl::StrCat(value); }
std::string python_text(const std::vector<std::int64_t>& tuple) {
  std::string text = "(";
  for (std::int64_t value : tuple) absl::StrAppend(&text, text.size() > 1 ? ", " : "", value);
  return text + (tuple.size() == 1 ? ",)" : ")");
}
std::string python_text(const Shape& tuple) {
  return python_text(std::vector<std::int64_t>(tuple.begin(), tuple.end()));
}

}  // namespace mica::internal
