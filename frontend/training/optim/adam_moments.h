// What Adam and its relatives share: running means of the gradient and of its square, and both kinds of weight decay.
#pragma once
#include <cmath>

#include "frontend/training/optim/parameter_optimizer.h"

namespace mica::internal {

struct AdamMoments {
  Variable first, second;  // "exp_avg", "exp_avg_sq"
};

inline AdamMoments updated_moments(ParameterState& state, const Variable& parameter, const Tensor& grad, double beta_1,
                                   double beta_2) {
  AdamMoments moments{state.tensor("exp_avg", parameter, 0), state.tensor("exp_avg_sq", parameter, 0)};
  moments.first.assign(moments.first + (grad - moments.first) * (1 - beta_1));
  moments.second.assign(moments.second * beta_2 + grad.square() * (1 - beta_2));
  return moments;
}

// Weight decay is a part of the gradient, or, decoupled from it, shrinks the weights.
inline void apply_decay(const ParameterGroup& group, bool decoupled, Variable& w, Tensor& grad) {
  if (group.weight_decay == 0) return;
  if (decoupled) {
    w.assign(w * (1 - group.lr * group.weight_decay));
  } else {
    grad = grad + w * group.weight_decay;
  }
}

// 1 - βᵗ
inline double bias_correction(double beta, const ParameterState& state) {
  return 1 - std::pow(beta, static_cast<double>(state.steps));
}

}  // namespace mica::internal
