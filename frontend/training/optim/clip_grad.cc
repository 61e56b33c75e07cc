// Norms of gradients, and clipping by norm and by value.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/variable.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/nn/utils.h"

namespace mica {
namespace {

// Σ|x|ᵖ, or the largest |x| where p is infinite.
Tensor part_of_norm(const Tensor& x, double p) {
  if (std::isinf(p)) return x.abs().amax();
  return p == 2 ? x.square().sum() : x.abs().pow(p).sum();
}

Tensor common_norm(const Tensors& grads, double p) {
  Tensor total;
  for (const Tensor& grad : grads) {
    Tensor part = part_of_norm(grad, p);
    if (!total.defined()) {
      total = part;
    } else {
      total = std::isinf(p) ? maximum(total, part) : total + part;
    }
  }
  return std::isinf(p) ? total : p == 2 ? total.sqrt() : total.pow(1 / p);
}

// Of the parameters that have one.
Tensors gradients_of(const Parameters& parameters) {
  Tensors grads;
  for (const Variable& parameter : parameters) {
    if (Tensor grad = parameter.grad(); grad.defined()) grads.push_back(grad);
  }
  return grads;
}

}  // namespace

Tensor nn::utils::get_total_norm(const Tensors& tensors, double norm_type, bool error_if_nonfinite) {
  NoGradGuard no_grad;
  Tensor norm = tensors.empty() ? zeros({}) : common_norm(tensors, norm_type);
  if (error_if_nonfinite && !std::isfinite(norm.item())) {
    throw Error({.where = "get_total_norm",
                 .expected = absl::StrCat("a finite norm of order ", norm_type),
                 .received = absl::StrCat(norm.item()),
                 .hint = "Without error_if_nonfinite the gradients are scaled by it all the same."});
  }
  return norm;
}

void nn::utils::clip_grads_with_norm_(const Parameters& parameters, double max_norm, const Tensor& total_norm) {
  NoGradGuard no_grad;
  Tensor factor = (max_norm / (total_norm + 1e-6)).clamp({}, 1.0);
  for (const Variable& parameter : parameters) {
    if (Tensor grad = parameter.grad(); grad.defined()) parameter.cell()->set_grad(grad * factor);
  }
}

double clip_grad_norm_(const Parameters& parameters, double max_norm, double norm_type) {
  const Tensors grads = gradients_of(parameters);
  if (grads.empty()) return 0;
  Tensor norm = nn::utils::get_total_norm(grads, norm_type);
  nn::utils::clip_grads_with_norm_(parameters, max_norm, norm);
  return norm.item();
}

void clip_grad_value_(const Parameters& parameters, double clip_value) {
  NoGradGuard no_grad;
  for (const Variable& parameter : parameters) {
    if (Tensor grad = parameter.grad(); grad.defined()) parameter.cell()->set_grad(grad.clamp(-clip_value, clip_value));
  }
}

}  // namespace mica
