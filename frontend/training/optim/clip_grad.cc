// clip_grad_norm_ and clip_grad_value_.
#include <cmath>

#include "frontend/graph/variable.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/optim.h"

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

}  // namespace

double clip_grad_norm_(const Parameters& parameters, double max_norm, double norm_type) {
  NoGradGuard no_grad;
  Tensors grads;
  Parameters owners;
  for (const Variable& parameter : parameters) {
    if (Tensor grad = parameter.grad(); grad.defined()) {
      grads.push_back(grad);
      owners.push_back(parameter);
    }
  }
  if (grads.empty()) return 0;
  Tensor norm = common_norm(grads, norm_type);
  Tensor factor = (max_norm / (norm + 1e-6)).clamp({}, 1.0);
  for (std::size_t i = 0; i < grads.size(); ++i) owners[i].cell()->set_grad(grads[i] * factor);
  return norm.item();
}

void clip_grad_value_(const Parameters& parameters, double clip_value) {
  NoGradGuard no_grad;
  for (const Variable& parameter : parameters) {
    if (Tensor grad = parameter.grad(); grad.defined()) parameter.cell()->set_grad(grad.clamp(-clip_value, clip_value));
  }
}

}  // namespace mica
