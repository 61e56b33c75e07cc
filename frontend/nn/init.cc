#include "frontend/mica/nn/init.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/mica/layer.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn::init {
namespace {

using internal::Fans;
using internal::fans_of;
using internal::normal_values;
using internal::uniform_values;

// The value takes the type that w has.
void fill(Variable w, const Tensor& value) { w.assign(value); }

double deviation_of(const Fans& fans, double gain) { return gain * std::sqrt(2 / (fans.in + fans.out)); }

double kaiming_deviation(const Variable& w, double a, const KaimingOptions& options) {
  if (options.mode != "fan_in" && options.mode != "fan_out") {
    throw Error({.where = "nn::init::kaiming",
                 .expected = "mode fan_in or fan_out",
                 .received = absl::StrCat("\"", options.mode, "\""),
                 .hint = {}});
  }
  Fans fans = fans_of(w.shape());
  return calculate_gain(options.nonlinearity, a) / std::sqrt(options.mode == "fan_in" ? fans.in : fans.out);
}

}  // namespace

double calculate_gain(std::string_view nonlinearity, double param) {
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + param * param));
  if (nonlinearity == "selu") return 0.75;
  for (const char* linear : {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
                             "conv_transpose3d", "sigmoid"}) {
    if (nonlinearity == linear) return 1;
  }
  throw Error({.where = "nn::init::calculate_gain",
               .expected = "linear, conv1d, conv2d, conv3d, sigmoid, tanh, relu, leaky_relu or selu",
               .received = absl::StrCat("\"", std::string(nonlinearity), "\""),
               .hint = {}});
}

void zeros_(const Variable& w) { constant_(w, 0); }
void ones_(const Variable& w) { constant_(w, 1); }
void eye_(const Variable& w) { fill(w, initializers::Identity()(w.shape())); }
void constant_(const Variable& w, double value) { fill(w, full(w.shape(), value, {.dtype = w.dtype()})); }
void normal_(const Variable& w, double mean, double std) { fill(w, normal_values(w.shape(), mean, std)); }
void uniform_(const Variable& w, double a, double b) { fill(w, uniform_values(w.shape(), a, b)); }

void trunc_normal_(const Variable& w, double mean, double std, double a, double b) {
  internal::RandomStream stream;
  std::vector<float> values(static_cast<std::size_t>(w.numel()));
  for (float& value : values) {
    double drawn = mean + std * stream.normal();
    // Far out, where normal numbers hardly come, a bound is as good.
    for (int tries = 0; (drawn < a || drawn > b) && tries < 1000; ++tries) drawn = mean + std * stream.normal();
    value = static_cast<float>(std::clamp(drawn, a, b));
  }
  fill(w, tensor(values, w.shape()));
}

void xavier_uniform_(const Variable& w, double gain) {
  double bound = std::sqrt(3.0) * deviation_of(fans_of(w.shape()), gain);
  uniform_(w, -bound, bound);
}
void xavier_normal_(const Variable& w, double gain) { normal_(w, 0, deviation_of(fans_of(w.shape()), gain)); }
void kaiming_uniform_(const Variable& w, double a, KaimingOptions options) {
  double bound = std::sqrt(3.0) * kaiming_deviation(w, a, options);
  uniform_(w, -bound, bound);
}
void kaiming_normal_(const Variable& w, double a, KaimingOptions options) {
  normal_(w, 0, kaiming_deviation(w, a, options));
}

void orthogonal_(const Variable& w, double gain) {
  // Rows are orthogonal, the axes after the first being one.
  std::int64_t rows = w.size(0), columns = rows == 0 ? 0 : w.numel() / rows;
  fill(w, initializers::Orthogonal(gain)({rows, columns}).reshape(w.shape()));
}

void dirac_(const Variable& w, std::int64_t groups) {
  const Shape& shape = w.shape();
  if (shape.rank() < 3 || shape.rank() > 5 || shape[0] % groups != 0) {
    throw Error({.where = "nn::init::dirac_",
                 .expected = "the weight of a convolution whose channels the groups divide",
                 .received = shape.to_string(),
                 .hint = {}});
  }
  std::int64_t window = 1, centre = 0;
  for (int i = 2; i < shape.rank(); ++i) {
    window *= shape[i];
    centre = centre * shape[i] + shape[i] / 2;
  }
  std::vector<float> values(static_cast<std::size_t>(w.numel()));
  std::int64_t each = shape[0] / groups;
  for (std::int64_t out = 0; out < shape[0]; ++out) {
    if (out % each < shape[1]) values[static_cast<std::size_t>((out * shape[1] + out % each) * window + centre)] = 1;
  }
  fill(w, tensor(values, shape));
}

void sparse_(const Variable& w, double sparsity, double std) {
  if (w.dim() != 2) {
    throw Error({.where = "nn::init::sparse_", .expected = "a matrix", .received = w.shape().to_string(), .hint = {}});
  }
  std::int64_t rows = w.size(0), columns = w.size(1);
  auto none = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  std::vector<float> values = normal_values(w.shape(), 0, std).to_vector<float>();
  for (std::int64_t column = 0; column < columns; ++column) {
    std::vector<std::int64_t> order = randperm(rows).to_vector<std::int64_t>();
    for (std::int64_t i = 0; i < none; ++i) {
      values[static_cast<std::size_t>(order[static_cast<std::size_t>(i)] * columns + column)] = 0;
    }
  }
  fill(w, tensor(values, w.shape()));
}

}  // namespace mica::nn::init
