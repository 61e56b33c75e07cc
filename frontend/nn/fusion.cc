// Folding a batch normalisation into the convolution or linear map before it.
#include "absl/strings/str_cat.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/nn/utils.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn::utils {
namespace {

using namespace internal;

const BuiltinModule& builtin(const Layer& module) {
  state_of(module);
  if (const auto* object = module.get_if<BuiltinModule>()) return *object;
  throw Error(
      {.where = module.name(), .expected = "one of torch.nn's modules", .received = module.class_name(), .hint = {}});
}

void check_fusible(const Layer& map, const Layer& bn) {
  const bool tracks = bn.get_if<BatchNormalizing>() && builtin(bn).weight("running_mean").defined();
  if (tracks && !map.is_training() && !bn.is_training()) return;
  throw Error({.where = bn.name(),
               .expected = tracks ? "modules after eval()" : "a batch normalisation with running statistics",
               .received = tracks ? "one that trains" : bn.class_name(),
               .hint = {}});
}

Layer with(const Layer& map, const std::array<Tensor, 2>& weights) {
  Layer fused = builtin(map).with_weights(weights[0], weights[1]);
  fused.eval();
  return fused;
}

// What is undefined: all of one number, like the statistics.
Tensor or_full(const Tensor& given, const Tensor& like, double value) {
  return given.defined() ? given : full(like.shape(), value, {.dtype = like.dtype()});
}

std::array<Tensor, 2> scaled(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& scale,
                             const Tensor& shift, const Shape& axis_of_scale) {
  Tensor before = or_full(bias, mean, 0);
  return {(weight * scale.reshape(axis_of_scale)).to(weight.dtype()),
          ((before - mean) * scale + shift).to(bias.defined() ? bias.dtype() : weight.dtype())};
}

}  // namespace

std::array<Tensor, 2> fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b, const Tensor& bn_rm,
                                           const Tensor& bn_rv, double bn_eps, const Tensor& bn_w, const Tensor& bn_b,
                                           bool transpose) {
  NoGradGuard no_grad;
  std::vector<std::int64_t> dims(static_cast<std::size_t>(conv_w.dim()), 1);
  dims[transpose ? 1 : 0] = kAny;
  Tensor scale = or_full(bn_w, bn_rm, 1) * (bn_rv + bn_eps).rsqrt();
  return scaled(conv_w, conv_b, bn_rm, scale, or_full(bn_b, bn_rm, 0), dims);
}

std::array<Tensor, 2> fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b, const Tensor& bn_rm,
                                             const Tensor& bn_rv, double bn_eps, const Tensor& bn_w,
                                             const Tensor& bn_b) {
  NoGradGuard no_grad;
  Tensor scale = or_full(bn_w, bn_rm, 1) * (bn_rv + bn_eps).rsqrt();
  return scaled(linear_w, linear_b, bn_rm, scale, or_full(bn_b, bn_rm, 0), {kAny, 1});
}

Layer fuse_conv_bn_eval(const Layer& conv, const Layer& bn, bool transpose) {
  check_fusible(conv, bn);
  const BuiltinModule &c = builtin(conv), &b = builtin(bn);
  return with(conv, fuse_conv_bn_weights(c.weight("weight"), c.weight("bias"), b.weight("running_mean"),
                                         b.weight("running_var"), bn.get_if<BatchNormalizing>()->eps(),
                                         b.weight("weight"), b.weight("bias"), transpose));
}

Layer fuse_linear_bn_eval(const Layer& linear, const Layer& bn) {
  check_fusible(linear, bn);
  const BuiltinModule &l = builtin(linear), &b = builtin(bn);
  const std::int64_t out = l.weight("weight").size(0), features = b.weight("running_mean").size(0);
  if (out != features && features != 1) {
    throw Error({.where = bn.name(),
                 .expected = absl::StrCat("as many features as the linear map gives, ", out, ", or 1"),
                 .received = absl::StrCat(features),
                 .hint = {}});
  }
  return with(linear, fuse_linear_bn_weights(l.weight("weight"), l.weight("bias"), b.weight("running_mean"),
                                             b.weight("running_var"), bn.get_if<BatchNormalizing>()->eps(),
                                             b.weight("weight"), b.weight("bias")));
}

}  // namespace mica::nn::utils
