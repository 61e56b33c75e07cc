// SparseAdam: Adam of the rows that a step touches.
#include <cmath>

#include "frontend/mica/functions.h"
#include "frontend/training/optim/adam_moments.h"

namespace mica {
namespace internal {
namespace {

// Where a row along the first axis has a gradient: [rows, 1, …].
Tensor touched_rows(const Tensor& grad) {
  Tensor touched = grad != 0;
  std::vector<std::int64_t> within;
  for (int axis = 1; axis < grad.dim(); ++axis) within.push_back(axis);
  return within.empty() ? touched : touched.any(Axes(within), {.keepdim = true});
}

class SparseAdamOptimizer : public ParameterOptimizer {
 public:
  explicit SparseAdamOptimizer(const optim::SparseAdamOptions& o)
      : ParameterOptimizer("SparseAdam", {.lr = o.lr, .momentum = o.betas[0]}, o.maximize), o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
  }
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    const double beta_1 = group.momentum, beta_2 = o_.betas[1];
    Tensor touched = touched_rows(g);
    Variable first = state.tensor("exp_avg", w, 0), second = state.tensor("exp_avg_sq", w, 0);
    first.assign(where(touched, first + (g - first) * (1 - beta_1), first));
    second.assign(where(touched, second + (g.square() - second) * (1 - beta_2), second));
    const double step = group.lr * std::sqrt(bias_correction(beta_2, state)) / bias_correction(beta_1, state);
    w.assign(where(touched, w - first / (second.sqrt() + o_.eps) * step, w));
  }

 private:
  optim::SparseAdamOptions o_;
};

}  // namespace
}  // namespace internal

optim::SparseAdam::SparseAdam(const Parameters& params, SparseAdamOptions o) : SparseAdam({{.params = params}}, o) {}
optim::SparseAdam::SparseAdam(ParamGroups groups, SparseAdamOptions o)
    : Optimizer(internal::make_parameter_optimizer<internal::SparseAdamOptimizer>(groups, o)) {}

}  // namespace mica
