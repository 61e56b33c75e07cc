// Adamax, NAdam and RAdam.
#include "frontend/training/optim/adam_moments.h"

namespace mica {
namespace internal {
namespace {

// The second moment is the largest gradient so far, which decays.
class AdamaxOptimizer : public ParameterOptimizer {
 public:
  explicit AdamaxOptimizer(const optim::AdamaxOptions& o)
      : ParameterOptimizer("Adamax", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.betas[0]}, o.maximize),
        o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
  }
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    Variable mean = state.tensor("exp_avg", w, 0), largest = state.tensor("exp_inf", w, 0);
    mean.assign(mean + (g - mean) * (1 - group.momentum));
    largest.assign(maximum(largest * o_.betas[1], g.abs() + o_.eps));
    w.assign(w - mean * (group.lr / bias_correction(group.momentum, state)) / largest);
  }

 private:
  optim::AdamaxOptions o_;
};

// Nesterov momentum whose weight grows with the steps.
class NAdamOptimizer : public ParameterOptimizer {
 public:
  explicit NAdamOptimizer(const optim::NAdamOptions& o)
      : ParameterOptimizer("NAdam", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.betas[0]}, o.maximize),
        o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
    check_not_negative("momentum_decay", o.momentum_decay);
  }
  bool has_momentum() const override { return true; }
  bool keeps_number(std::string_view name) const override { return name == "mu_product"; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    const double beta_1 = group.momentum, beta_2 = o_.betas[1], step = static_cast<double>(state.steps);
    apply_decay(group, o_.decoupled_weight_decay, w, g);
    auto momentum_at = [&](double t) { return beta_1 * (1 - 0.5 * std::pow(0.96, t * o_.momentum_decay)); };
    const double now = momentum_at(step), next = momentum_at(step + 1);
    double& product = state.numbers.try_emplace("mu_product", 1.0).first->second;
    product *= now;
    AdamMoments moments = updated_moments(state, w, g, beta_1, beta_2);
    Tensor denominator = (moments.second / bias_correction(beta_2, state)).sqrt() + o_.eps;
    w.assign(w - g * (group.lr * (1 - now) / (1 - product)) / denominator -
             moments.first * (group.lr * next / (1 - product * next)) / denominator);
  }

 private:
  optim::NAdamOptions o_;
};

// Steps of plain momentum until the variance of the second moment is known well enough.
class RAdamOptimizer : public ParameterOptimizer {
 public:
  explicit RAdamOptimizer(const optim::AdamOptions& o)
      : ParameterOptimizer("RAdam", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.betas[0]}, o.maximize),
        o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
    if (o.amsgrad) refuse("no amsgrad", "true", "Adam and AdamW have it.");
  }
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    const double beta_1 = group.momentum, beta_2 = o_.betas[1], step = static_cast<double>(state.steps);
    apply_decay(group, o_.decoupled_weight_decay, w, g);
    AdamMoments moments = updated_moments(state, w, g, beta_1, beta_2);
    const double correction = bias_correction(beta_2, state);
    const double longest = 2 / (1 - beta_2) - 1, length = longest - 2 * step * std::pow(beta_2, step) / correction;
    Tensor direction = moments.first * (group.lr / bias_correction(beta_1, state));
    if (length > 5) {
      double rectified = std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
      direction = direction * (std::sqrt(correction) * rectified) / (moments.second.sqrt() + o_.eps);
    }
    w.assign(w - direction);
  }

 private:
  optim::AdamOptions o_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::Adamax::Adamax(const Parameters& params, AdamaxOptions o) : Adamax({{.params = params}}, o) {}
optim::Adamax::Adamax(ParamGroups groups, AdamaxOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdamaxOptimizer>(groups, o)) {}
optim::NAdam::NAdam(const Parameters& params, NAdamOptions o) : NAdam({{.params = params}}, o) {}
optim::NAdam::NAdam(ParamGroups groups, NAdamOptions o)
    : Optimizer(make_parameter_optimizer<internal::NAdamOptimizer>(groups, o)) {}
optim::RAdam::RAdam(const Parameters& params, AdamOptions o) : RAdam({{.params = params}}, o) {}
optim::RAdam::RAdam(ParamGroups groups, AdamOptions o)
    : Optimizer(make_parameter_optimizer<internal::RAdamOptimizer>(groups, o)) {}

}  // namespace mica
