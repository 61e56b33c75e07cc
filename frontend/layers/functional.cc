// F::, the functions of torch.nn.functional: channels first, `dim`, PyTorch's defaults.
#include "frontend/mica/functional.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/random.h"
#include "frontend/graph/function_scope.h"
#include "frontend/layers/window.h"

namespace mica::F {
namespace {

using internal::apply;
using internal::dims_of;
using internal::FunctionScope;
using internal::to_floating;

// A mistake in a call of the function whose scope is open.
[[noreturn]] void fail(const std::string& expected, const std::string& received) {
  const std::string &place = internal::current_place(), &function = FunctionScope::current();
  throw Error({.where = place,
               .expected = expected,
               .received = received,
               .hint = place == function ? "" : absl::StrCat("The function is ", function, ".")});
}

Tensor reduced(const Tensor& loss, const std::string& reduction) {
  if (reduction == "mean") return loss.mean();
  if (reduction == "sum") return loss.sum();
  if (reduction == "none") return loss;
  fail("reduction mean, sum or none", absl::StrCat("\"", reduction, "\""));
}

void expect_same_shape(const Tensor& input, const Tensor& target) {
  if (dims_of(input) == dims_of(target)) return;
  fail(absl::StrCat("a target of the input's shape, ", input.shape().to_string()), internal::describe(target));
}

template <int N, class Options>
Tensor conv(const Tensor& x, const Tensor& weight, const Tensor& bias, const Options& options) {
  if (x.dim() != N + 2) fail(absl::StrCat("an input of rank ", N + 2), internal::describe(x));
  if (weight.dim() != N + 2) fail(absl::StrCat("a weight of rank ", N + 2), internal::describe(weight));
  ir::Ints strides, dilations, low, high;
  for (int i = 0; i < N; ++i) {
    strides.push_back(options.stride[i]);
    dilations.push_back(options.dilation[i]);
    std::int64_t extent = (weight.size(i + 2) - 1) * options.dilation[i];
    bool same = options.padding.mode() == "same";
    if (same && options.stride[i] != 1) fail("a stride of 1 with padding \"same\"", absl::StrCat(options.stride[i]));
    low.push_back(same ? extent / 2 : options.padding[i]);
    high.push_back(same ? extent - extent / 2 : options.padding[i]);
  }
  std::vector<std::int64_t> to_last;  // OIHW -> HWIO
  for (int i = 0; i < N; ++i) to_last.push_back(i + 2);
  to_last.insert(to_last.end(), {1, 0});
  Tensor y = apply("conv", {internal::channels_to_last(x, "channels_first"), weight.permute(to_last)},
                   {{"strides", strides},
                    {"dilations", dilations},
                    {"pad_low", low},
                    {"pad_high", high},
                    {"groups", options.groups}});
  return internal::channels_back(bias.defined() ? y + bias : y, "channels_first");
}

Tensor pool2d(const char* op, const Tensor& x, const Ints<2>& size, const PoolOptions<2>& options, ir::Attrs attrs) {
  if (x.dim() != 4) fail("an input of rank 4", internal::describe(x));
  Ints<2> stride = options.stride.value_or(size);
  ir::Ints padding{options.padding[0], options.padding[1]};
  attrs.set("window", ir::Ints{size[0], size[1]});
  attrs.set("strides", ir::Ints{stride[0], stride[1]});
  attrs.set("pad_low", padding);
  attrs.set("pad_high", padding);
  return internal::channels_back(apply(op, {internal::channels_to_last(x, "channels_first")}, attrs), "channels_first");
}

// [C] so that it broadcasts along axis 1 of x.
Tensor along_channels(const Tensor& values, const Tensor& x) {
  ir::Dims dims(static_cast<std::size_t>(x.dim() - 1), ir::Dim(1));
  dims[0] = dims_of(values)[0];
  return internal::reshape_dims(values, std::move(dims));
}

}  // namespace

Tensor relu(const Tensor& x) { return x.relu(); }
Tensor relu6(const Tensor& x) { return apply("relu6", {to_floating(x)}); }
Tensor sigmoid(const Tensor& x) { return x.sigmoid(); }
Tensor tanh(const Tensor& x) { return x.tanh(); }
Tensor silu(const Tensor& x) { return apply("silu", {to_floating(x)}); }
Tensor mish(const Tensor& x) { return apply("mish", {to_floating(x)}); }
Tensor selu(const Tensor& x) { return apply("selu", {to_floating(x)}); }
Tensor hardswish(const Tensor& x) { return apply("hard_silu", {to_floating(x)}); }
Tensor hardsigmoid(const Tensor& x) { return apply("hard_sigmoid", {to_floating(x)}); }
Tensor logsigmoid(const Tensor& x) { return apply("log_sigmoid", {to_floating(x)}); }
Tensor softsign(const Tensor& x) { return apply("softsign", {to_floating(x)}); }
Tensor tanhshrink(const Tensor& x) { return apply("tanh_shrink", {to_floating(x)}); }
Tensor gelu(const Tensor& x, GeluOptions options) {
  FunctionScope scope("F::gelu");
  if (options.approximate != "none" && options.approximate != "tanh") {
    fail("approximate none or tanh", absl::StrCat("\"", options.approximate, "\""));
  }
  return apply("gelu", {to_floating(x)}, {{"approximate", options.approximate == "tanh"}});
}
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return apply("leaky_relu", {to_floating(x)}, {{"negative_slope", negative_slope}});
}
Tensor elu(const Tensor& x, double alpha) { return apply("elu", {to_floating(x)}, {{"alpha", alpha}}); }
Tensor celu(const Tensor& x, double alpha) { return apply("celu", {to_floating(x)}, {{"alpha", alpha}}); }
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

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  FunctionScope scope("F::linear");
  if (weight.dim() != 2 || x.size(-1) != weight.size(1)) {
    fail(absl::StrCat("a last dimension of ", weight.size(-1), ", that of the weight"), internal::describe(x));
  }
  Tensor y = apply("matmul", {x, weight}, {{"transpose_b", true}});
  return bias.defined() ? y + bias : y;
}
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<1> options) {
  FunctionScope scope("F::conv1d");
  return conv<1>(x, weight, bias, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<2> options) {
  FunctionScope scope("F::conv2d");
  return conv<2>(x, weight, bias, options);
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<3> options) {
  FunctionScope scope("F::conv3d");
  return conv<3>(x, weight, bias, options);
}
Tensor embedding(const Tensor& ids, const Tensor& weight) {
  FunctionScope scope("F::embedding");
  if (!ids.dtype().is_integral()) fail("ids of an integer type, int64 or int32", internal::describe(ids));
  return apply("gather", {weight, ids}, {{"axis", std::int64_t{0}}, {"called", std::string("ids")}});
}
Tensor one_hot(const Tensor& ids, std::int64_t num_classes) {
  FunctionScope scope("F::one_hot");
  if (!ids.dtype().is_integral()) fail("ids of an integer type", internal::describe(ids));
  if (num_classes < 0) num_classes = ids.max().item<std::int64_t>() + 1;
  return apply("one_hot", {ids}, {{"num_classes", num_classes}, {"dtype", kInt64}});
}

Tensor max_pool2d(const Tensor& x, Ints<2> kernel_size, PoolOptions<2> options) {
  FunctionScope scope("F::max_pool2d");
  return pool2d("max_pool", x, kernel_size, options, {});
}
Tensor avg_pool2d(const Tensor& x, Ints<2> kernel_size, PoolOptions<2> options) {
  FunctionScope scope("F::avg_pool2d");
  return pool2d("avg_pool", x, kernel_size, options, {{"count_include_pad", true}});
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, BatchNormOptions options) {
  FunctionScope scope("F::batch_norm");
  Tensor mean = running_mean, variance = running_var;
  if (options.training) {
    ir::Ints others{0};
    for (int i = 2; i < x.dim(); ++i) others.push_back(i);
    mean = apply("reduce_mean", {x}, {{"axes", others}});
    variance = apply("reduce_variance", {x}, {{"axes", others}});
    Tensor unbiased = apply("reduce_variance", {x}, {{"axes", others}, {"correction", 1.0}});
    for (auto [running, batch] : {std::pair(running_mean, mean), std::pair(running_var, unbiased)}) {
      bool assignable = running.defined() && running.node()->kind == internal::ValueKind::kVariable;
      if (assignable) running.assign(running * (1 - options.momentum) + batch * options.momentum);
    }
  }
  Tensors operands{x, along_channels(mean, x), along_channels(variance, x)};
  if (options.weight.defined()) operands.push_back(along_channels(options.weight, x));
  if (options.weight.defined() && options.bias.defined()) operands.push_back(along_channels(options.bias, x));
  Tensor y = apply("batch_normalization", std::move(operands), {{"epsilon", options.eps}});
  return options.bias.defined() && !options.weight.defined() ? y + along_channels(options.bias, x) : y;
}
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, NormOptions options) {
  FunctionScope scope("F::layer_norm");
  ir::Ints axes;
  for (int i = -normalized_shape.rank(); i < 0; ++i) axes.push_back(i);
  Tensors operands{x};
  if (options.weight.defined()) operands.push_back(options.weight);
  if (options.weight.defined() && options.bias.defined()) operands.push_back(options.bias);
  Tensor y = apply("layer_normalization", std::move(operands), {{"axes", axes}, {"epsilon", options.eps}});
  return options.bias.defined() && !options.weight.defined() ? y + options.bias : y;
}
Tensor normalize(const Tensor& x, NormalizeOptions options) {
  FunctionScope scope("F::normalize");
  Tensor norm = x.norm({.p = options.p, .dim = options.dim, .keepdim = true});
  return x / maximum(norm, internal::weak(options.eps, norm));
}
Tensor dropout(const Tensor& x, double p, DropoutOptions options) {
  FunctionScope scope("F::dropout");
  if (!(p >= 0 && p <= 1)) fail("a probability from 0 to 1", absl::StrCat(p));
  if (!options.training || p == 0) return x;
  return apply("dropout", {to_floating(x), internal::random_state()}, {{"rate", p}});
}

Tensor pad(const Tensor& x, std::initializer_list<std::int64_t> sizes, PadOptions options) {
  FunctionScope scope("F::pad");
  if (options.mode != "constant") fail("mode constant", absl::StrCat("\"", options.mode, "\""));
  auto rank = static_cast<std::size_t>(x.dim());
  if (sizes.size() % 2 != 0 || sizes.size() > 2 * rank) {
    fail(absl::StrCat("pairs of sizes for at most ", rank, " axes"), absl::StrCat(sizes.size(), " sizes"));
  }
  ir::Dims low(rank, ir::Dim(0)), high = low;
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    low[rank - 1 - i] = ir::Dim(sizes.begin()[2 * i]);
    high[rank - 1 - i] = ir::Dim(sizes.begin()[2 * i + 1]);
  }
  return apply("pad", {x}, {{"low", low}, {"high", high}, {"value", options.value}});
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::nll_loss");
  Tensor chosen = one_hot(target, log_probabilities.size(-1)).to(log_probabilities.dtype());
  return reduced(-(log_probabilities * chosen).sum(-1), options.reduction);
}
Tensor cross_entropy(const Tensor& logits, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::cross_entropy");
  if (target.dtype().is_floating()) {
    expect_same_shape(logits, target);
    Tensor losses = -(logits.log_softmax(logits.dim() > 1 ? 1 : 0) * target).sum(logits.dim() > 1 ? 1 : 0);
    return reduced(losses, options.reduction);
  }
  Tensor losses = apply("sparse_categorical_crossentropy", {to_floating(logits), target},
                        {{"axis", std::int64_t{logits.dim() > 1 ? 1 : 0}}});
  return reduced(losses, options.reduction);
}
Tensor mse_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::mse_loss");
  expect_same_shape(input, target);
  return reduced((input - target).square(), options.reduction);
}
Tensor l1_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::l1_loss");
  expect_same_shape(input, target);
  return reduced((input - target).abs(), options.reduction);
}
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::binary_cross_entropy");
  expect_same_shape(probabilities, target);
  Tensor log_p = probabilities.log().clamp(-100), log_q = (1 - probabilities).log().clamp(-100);  // PyTorch's bounds
  return reduced(-(target * log_p + (1 - target) * log_q), options.reduction);
}
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::binary_cross_entropy_with_logits");
  expect_same_shape(logits, target);
  Tensor losses = logits.relu() - logits * target + log1p((-logits.abs()).exp());
  return reduced(losses, options.reduction);
}

}  // namespace mica::F
