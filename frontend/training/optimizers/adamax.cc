#include "frontend/training/optimizers/adam_family.h"

namespace mica {
namespace internal {
namespace {

// The second moment is the largest gradient so far, which decays.
class AdamaxRule : public AdamFamilyRule {
 public:
  AdamaxRule(LearningRate rate, AdamOptions o) : AdamFamilyRule("Adamax", std::move(rate), std::move(o)) {}

 protected:
  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    return {slot(variable, "momentum"), slot(variable, "norm")};
  }

  std::vector<double> factors(double lr, double step) const override { return {lr / (1 - std::pow(o_.beta_1, step))}; }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0], u = a.slots[1];
    m.assign(moved_towards(m, a.grad, o_.beta_1));
    u.assign(maximum(u * o_.beta_2, a.grad.abs()));
    w.assign(w - m * a.factors[0] / (u + o_.epsilon));
  }
};

}  // namespace
}  // namespace internal

optimizers::Adamax::Adamax(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::AdamaxRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
