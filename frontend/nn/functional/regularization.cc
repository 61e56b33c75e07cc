#include "frontend/mica/functional/regularization.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

void check_probability(double p) {
  if (!(p >= 0 && p <= 1)) fail_call("a probability from 0 to 1", absl::StrCat(p));
}

bool changes_nothing(double p, const DropoutOptions& options) {
  check_probability(p);
  return !options.training || p == 0;
}

// One draw for each channel, batch and channels being the first two axes; an input without a batch has them first.
ir::Dims channel_noise(const Tensor& x, int spatial) {
  ir::Dims dims = dims_of(x);
  if (x.dim() != spatial + 1 && x.dim() != spatial + 2) {
    fail_call(absl::StrCat("an input of rank ", spatial + 1, " or ", spatial + 2), internal::describe(x));
  }
  for (int i = x.dim() - spatial; i < x.dim(); ++i) dims[at(i)] = ir::Dim(1);
  return dims;
}

Tensor dropped(const Tensor& x, double p, const ir::Dims& noise) {
  return apply("dropout", {to_floating(x), internal::random_state()}, {{"rate", p}, {"noise_shape", noise}});
}

Tensor channel_dropout(const Tensor& x, double p, const DropoutOptions& options, int spatial) {
  return changes_nothing(p, options) ? x : dropped(x, p, channel_noise(x, spatial));
}

// Dropped elements take the value that SELU has far below 0; a scale and an offset keep mean and variance.
Tensor alpha_dropped(const Tensor& x, double p, const ir::Dims& noise) {
  constexpr double kAlpha = 1.6732632423543772848170429916717, kScale = 1.0507009873554804934193349852946;
  constexpr double kDropped = -kAlpha * kScale;
  if (p == 1) return to_floating(x) * 0;
  double scale = 1 / std::sqrt((1 - p) * (1 + p * kDropped * kDropped));
  Tensor floating = to_floating(x);
  Tensor uniform = apply("random_uniform", {internal::random_state()}, {{"shape", noise}, {"dtype", floating.dtype()}});
  return where(uniform >= p, floating, kDropped) * scale - scale * kDropped * p;
}

}  // namespace

Tensor dropout(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::dropout");
  return changes_nothing(p, options) ? x : dropped(x, p, dims_of(x));
}
Tensor dropout1d(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::dropout1d");
  return channel_dropout(x, p, options, 1);
}
Tensor dropout2d(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::dropout2d");
  return channel_dropout(x, p, options, 2);
}
Tensor dropout3d(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::dropout3d");
  return channel_dropout(x, p, options, 3);
}
Tensor alpha_dropout(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::alpha_dropout");
  return changes_nothing(p, options) ? x : alpha_dropped(x, p, dims_of(x));
}
Tensor feature_alpha_dropout(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::feature_alpha_dropout");
  if (changes_nothing(p, options)) return x;
  ir::Dims noise = dims_of(x);
  for (std::size_t i = 2; i < noise.size(); ++i) noise[i] = ir::Dim(1);
  return alpha_dropped(x, p, noise);
}

}  // namespace mica::F
