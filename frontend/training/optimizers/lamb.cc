#include "frontend/training/optimizers/adam_family.h"

namespace mica {
namespace internal {
namespace {

Tensor norm_of(const Tensor& x) { return x.square().sum().sqrt(); }

// Adam whose step is as long as lr times the norm of the variable.
class LambRule : public AdamFamilyRule {
 public:
  LambRule(LearningRate rate, AdamOptions o) : AdamFamilyRule("Lamb", std::move(rate), std::move(o)) {}

 protected:
  std::vector<double> factors(double, double step) const override {
    return {1 / (1 - std::pow(o_.beta_1, step)), 1 / (1 - std::pow(o_.beta_2, step))};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0], v = a.slots[1];
    m.assign(moved_towards(m, a.grad, o_.beta_1));
    v.assign(moved_towards(v, a.grad.square(), o_.beta_2));
    Tensor step = m * a.factors[0] / ((v * a.factors[1]).sqrt() + o_.epsilon);
    Tensor weight_norm = norm_of(w), step_norm = norm_of(step);
    Tensor ratio = where((weight_norm > 0) & (step_norm > 0), weight_norm / step_norm, 1.0);
    w.assign(w - step * (ratio * a.lr));
  }
};

}  // namespace
}  // namespace internal

optimizers::Lamb::Lamb(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::LambRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
