#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// Steps of ±lr: the sign of what momentum and gradient make together.
class LionRule : public Rule<LionOptions> {
 public:
  LionRule(LearningRate rate, LionOptions o) : Rule("Lion", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("beta_1", o_.beta_1);
    v.field("beta_2", o_.beta_2);
  }
  void check_options() const override {
    check_beta("beta_1", o_.beta_1);
    check_beta("beta_2", o_.beta_2);
    if (o_.beta_1 > 0) return;
    throw Error({.where = name(), .expected = "beta_1 above 0", .received = "0", .hint = {}});
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override { return {slot(variable, "momentum")}; }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0];
    auto mix = [&](double beta) { return m * beta + a.grad * (1 - beta); };
    w.assign(w - a.lr * mix(o_.beta_1).sign());
    m.assign(mix(o_.beta_2));
  }
};

}  // namespace
}  // namespace internal

optimizers::Lion::Lion(LearningRate rate, LionOptions o)
    : Optimizer(std::make_shared<internal::LionRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
