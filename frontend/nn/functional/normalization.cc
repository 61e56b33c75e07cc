#include "frontend/mica/functional/normalization.h"

#include <utility>

#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

bool is_variable(const Tensor& tensor) {
  return tensor.defined() && tensor.node()->kind == internal::ValueKind::kVariable;
}

// The running value moves towards that of the batch.
void move_towards(Tensor running, const Tensor& batch, double momentum) {
  if (is_variable(running)) running.assign(running * (1 - momentum) + batch * momentum);
}

struct Affine {
  const Tensor &weight, &bias;
};

Tensor affine(const Tensor& y, const Affine& with) {
  Tensor scaled = with.weight.defined() ? y * along_channels(with.weight, y) : y;
  return with.bias.defined() ? scaled + along_channels(with.bias, y) : scaled;
}

// (x - mean) / sqrt(variance + eps) * weight + bias; mean and variance broadcast to x.
Tensor standardized(const Tensor& x, const Tensor& mean, const Tensor& variance, const Affine& with, double eps) {
  Tensors operands{x, mean, variance};
  if (with.weight.defined()) {
    operands.push_back(along_channels(with.weight, x));
    if (with.bias.defined()) operands.push_back(along_channels(with.bias, x));
    return apply("batch_normalization", std::move(operands), {{"epsilon", eps}});
  }
  return affine(apply("batch_normalization", std::move(operands), {{"epsilon", eps}}), with);
}

ir::Ints last_axes(const Shape& normalized_shape, const Tensor& x) {
  bool fits = normalized_shape.rank() >= 1 && normalized_shape.rank() <= x.dim();
  for (int i = 1; fits && i <= normalized_shape.rank(); ++i) fits = x.size(-i) == normalized_shape[-i];
  if (!fits) fail_call("an input that ends in the dims " + normalized_shape.to_string(), internal::describe(x));
  ir::Ints axes;
  for (int i = -normalized_shape.rank(); i < 0; ++i) axes.push_back(i);
  return axes;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, BatchNormOptions options) {
  FunctionScope scope("F::batch_norm");
  if (x.dim() < 2) fail_call("an input of rank 2 or more", internal::describe(x));
  Tensor mean = running_mean, variance = running_var;
  if (options.training) {
    ir::Ints others{0};
    for (int i = 2; i < x.dim(); ++i) others.push_back(i);
    mean = apply("reduce_mean", {x}, {{"axes", others}});
    variance = apply("reduce_variance", {x}, {{"axes", others}});
    move_towards(running_mean, mean, options.momentum);
    if (is_variable(running_var)) {
      Tensor unbiased = apply("reduce_variance", {x}, {{"axes", others}, {"correction", 1.0}});
      move_towards(running_var, unbiased, options.momentum);
    }
  }
  return standardized(x, along_channels(mean, x), along_channels(variance, x), {options.weight, options.bias},
                      options.eps);
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, NormOptions options) {
  FunctionScope scope("F::layer_norm");
  Tensors operands{x};
  if (options.weight.defined()) operands.push_back(options.weight);
  if (options.weight.defined() && options.bias.defined()) operands.push_back(options.bias);
  ir::Attrs attrs = {{"axes", last_axes(normalized_shape, x)}, {"epsilon", options.eps}};
  Tensor y = apply("layer_normalization", std::move(operands), std::move(attrs));
  return options.bias.defined() && !options.weight.defined() ? y + options.bias : y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, RmsNormOptions options) {
  FunctionScope scope("F::rms_norm");
  double epsilon = options.eps.value_or(machine_epsilon(x.dtype()));
  Tensor y = apply("rms_normalization", {x}, {{"axes", last_axes(normalized_shape, x)}, {"epsilon", epsilon}});
  return options.weight.defined() ? y * options.weight : y;
}

Tensor group_norm(const Tensor& x, std::int64_t num_groups, NormOptions options) {
  FunctionScope scope("F::group_norm");
  ir::Attrs attrs = {{"groups", num_groups}, {"axis", std::int64_t{1}}, {"epsilon", options.eps}};
  return affine(apply("group_normalization", {x}, std::move(attrs)), {options.weight, options.bias});
}

Tensor instance_norm(const Tensor& x, InstanceNormOptions options) {
  FunctionScope scope("F::instance_norm");
  const Affine with{options.weight, options.bias};
  if (!options.use_input_stats) {
    return standardized(x, along_channels(options.running_mean, x), along_channels(options.running_var, x), with,
                        options.eps);
  }
  if (x.dim() < 3) fail_call("an input of rank 3 or more", internal::describe(x));
  ir::Ints axes;
  for (int i = 2; i < x.dim(); ++i) axes.push_back(i);
  Tensor mean = apply("reduce_mean", {x}, {{"axes", axes}, {"keepdims", true}});
  Tensor variance = apply("reduce_variance", {x}, {{"axes", axes}, {"keepdims", true}});
  if (is_variable(options.running_mean)) {
    move_towards(options.running_mean, mean.mean(0).flatten(), options.momentum);
  }
  if (is_variable(options.running_var)) {
    Tensor unbiased = apply("reduce_variance", {x}, {{"axes", axes}, {"correction", 1.0}});
    move_towards(options.running_var, unbiased.mean(0), options.momentum);
  }
  return standardized(x, mean, variance, with, options.eps);
}

Tensor local_response_norm(const Tensor& x, std::int64_t size, LrnOptions options) {
  FunctionScope scope("F::local_response_norm");
  if (x.dim() < 3) fail_call("an input of rank 3 or more", internal::describe(x));
  ir::Dims low(at(x.dim()), ir::Dim(0)), high = low;
  low[1] = ir::Dim(size / 2);
  high[1] = ir::Dim((size - 1) / 2);
  Tensor squares = apply("pad", {x * x}, {{"low", low}, {"high", high}}), sum;
  for (std::int64_t i = 0; i < size; ++i) {
    Tensor part = squares.narrow(1, i, known_size(x, 1));
    sum = sum.defined() ? sum + part : part;
  }
  Tensor base = sum * (options.alpha / static_cast<double>(size)) + options.k;
  return x / base.pow(options.beta);
}

}  // namespace mica::F
