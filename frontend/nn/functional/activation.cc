#include "frontend/mica/functional/activation.h"

#include <limits>

#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {

Tensor relu(const Tensor& x) { return x.relu(); }
Tensor relu6(const Tensor& x) { return apply("relu6", {to_floating(x)}); }
Tensor sigmoid(const Tensor& x) { return x.sigmoid(); }
Tensor tanh(const Tensor& x) { return x.tanh(); }
Tensor silu(const Tensor& x) { return apply("silu", {to_floating(x)}); }
Tensor mish(const Tensor& x) { return apply("mish", {to_floating(x)}); }
Tensor selu(const Tensor& x) { return apply("selu", {to_floating(x)}); }
Tensor hardswish(const Tensor& x) { return apply("hard_silu", {to_floating(x)}); }
Tensor hardsigmoid(const Tensor& x) {
  constexpr float kSixth = 1.0F / 6;  // PyTorch's gradient has this slope in float64 too
  return apply("hard_sigmoid", {to_floating(x)}, {{"slope", double{kSixth}}});
}
Tensor logsigmoid(const Tensor& x) { return apply("log_sigmoid", {to_floating(x)}); }
Tensor softsign(const Tensor& x) { return apply("softsign", {to_floating(x)}); }
Tensor tanhshrink(const Tensor& x) { return apply("tanh_shrink", {to_floating(x)}); }

Tensor gelu(const Tensor& x, GeluOptions options) {
  FunctionScope scope("F::gelu");
  expect_choice("approximate", options.approximate, {"none", "tanh"});
  return apply("gelu", {to_floating(x)}, {{"approximate", options.approximate == "tanh"}});
}
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return apply("leaky_relu", {to_floating(x)}, {{"negative_slope", negative_slope}});
}
Tensor elu(const Tensor& x, double alpha) { return apply("elu", {to_floating(x)}, {{"alpha", alpha}}); }
Tensor celu(const Tensor& x, double alpha) { return apply("celu", {to_floating(x)}, {{"alpha", alpha}}); }

Tensor prelu(const Tensor& x, const Tensor& weight) {
  FunctionScope scope("F::prelu");
  expect_rank(weight, "a weight", 1);
  bool of_channels = weight.size(0) != 1;
  if (of_channels && (x.dim() < 2 || x.size(1) != weight.size(0))) {
    fail_call("one slope, or one for each channel", internal::describe(weight));
  }
  return where(x > 0, x, x * (of_channels ? along_channels(weight, x) : weight.squeeze(0)));
}

Tensor rrelu(const Tensor& x, RreluOptions options) {
  FunctionScope scope("F::rrelu");
  if (!options.training) return leaky_relu(x, (options.lower + options.upper) / 2);
  Tensor floating = to_floating(x);
  Tensor slope = rand_like(floating) * (options.upper - options.lower) + options.lower;
  return where(floating >= 0, floating, floating * slope);
}

Tensor glu(const Tensor& x, int dim) {
  FunctionScope scope("F::glu");
  auto [values, gates] = x.chunk<2>(dim);
  return values * gates.sigmoid();
}
Tensor hardtanh(const Tensor& x, double min_val, double max_val) {
  return apply("hard_tanh", {to_floating(x)}, {{"low", min_val}, {"high", max_val}});
}
Tensor hardshrink(const Tensor& x, double lambd) { return apply("hard_shrink", {to_floating(x)}, {{"lambda", lambd}}); }
Tensor softshrink(const Tensor& x, double lambd) { return apply("soft_shrink", {to_floating(x)}, {{"lambda", lambd}}); }
Tensor softplus(const Tensor& x, SoftplusOptions options) {
  FunctionScope scope("F::softplus");
  Tensor scaled = to_floating(x) * options.beta;
  return where(scaled > options.threshold, to_floating(x), apply("softplus", {scaled}) / options.beta);
}
Tensor threshold(const Tensor& x, double threshold, double value) {
  return apply("threshold", {to_floating(x)}, {{"threshold", threshold}, {"value", value}});
}
Tensor softmax(const Tensor& x, int dim) {
  FunctionScope scope("F::softmax");
  return x.softmax(dim);
}
Tensor softmin(const Tensor& x, int dim) {
  FunctionScope scope("F::softmin");
  return (-x).softmax(dim);
}
Tensor log_softmax(const Tensor& x, int dim) {
  FunctionScope scope("F::log_softmax");
  return x.log_softmax(dim);
}

Tensor gumbel_softmax(const Tensor& logits, GumbelSoftmaxOptions options) {
  FunctionScope scope("F::gumbel_softmax");
  Tensor x = to_floating(logits);
  Tensor exponential = -(1 - rand_like(x)).log();  // of a number above 0
  Tensor soft = ((x - exponential.clamp(std::numeric_limits<float>::min()).log()) / options.tau).softmax(options.dim);
  if (!options.hard) return soft;
  Tensor chosen = movedim(one_hot(soft.argmax(options.dim), known_size(soft, options.dim)), -1, options.dim);
  return chosen.to(soft.dtype()) - soft.detach() + soft;
}

}  // namespace mica::F
