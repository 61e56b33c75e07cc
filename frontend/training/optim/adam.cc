// Adam, whose weight decay is a gradient, and AdamW, which shrinks the weights.
#include <cmath>

#include "frontend/training/optim/adam_moments.h"

namespace mica {
namespace internal {
namespace {

class AdamOptimizer : public ParameterOptimizer {
 public:
  explicit AdamOptimizer(const optim::AdamOptions& o) : AdamOptimizer("Adam", o) {}
  explicit AdamOptimizer(const optim::AdamWOptions& o)
      : AdamOptimizer("AdamW", {o.lr, o.betas, o.eps, o.weight_decay, o.amsgrad, o.maximize, true}) {}
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    const double beta_1 = group.momentum, beta_2 = o_.betas[1];
    apply_decay(group, o_.decoupled_weight_decay, w, g);
    AdamMoments moments = updated_moments(state, w, g, beta_1, beta_2);
    Variable scale = moments.second;
    if (o_.amsgrad) {
      scale = state.tensor("max_exp_avg_sq", w, 0);
      scale.assign(maximum(scale, moments.second));
    }
    Tensor denominator = scale.sqrt() / std::sqrt(bias_correction(beta_2, state)) + o_.eps;
    w.assign(w - moments.first * (group.lr / bias_correction(beta_1, state)) / denominator);
  }

 private:
  AdamOptimizer(const char* class_name, const optim::AdamOptions& o)
      : ParameterOptimizer(class_name, {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.betas[0]},
                           o.maximize),
        o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
  }

  optim::AdamOptions o_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::Adam::Adam(const Parameters& params, AdamOptions o) : Adam({{.params = params}}, o) {}
optim::Adam::Adam(ParamGroups groups, AdamOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdamOptimizer>(groups, o)) {}
optim::AdamW::AdamW(const Parameters& params, AdamWOptions o) : AdamW({{.params = params}}, o) {}
optim::AdamW::AdamW(ParamGroups groups, AdamWOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdamOptimizer>(groups, o)) {}

}  // namespace mica
