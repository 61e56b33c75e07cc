#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// momentum·v - lr·g; Nesterov looks one step ahead.
class SgdRule : public Rule<SGDOptions> {
 public:
  SgdRule(LearningRate rate, SGDOptions o) : Rule("SGD", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("momentum", o_.momentum);
    v.field("nesterov", o_.nesterov);
  }
  void check_options() const override { check_beta("momentum", o_.momentum); }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    if (o_.momentum == 0) return {};
    return {slot(variable, "momentum")};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable;
    Tensor step = a.grad * a.lr;
    if (o_.momentum == 0) return w.assign(w - step);
    Variable velocity = a.slots[0];
    velocity.assign(velocity * o_.momentum - step);
    w.assign(o_.nesterov ? w + velocity * o_.momentum - step : w + velocity);
  }
};

}  // namespace
}  // namespace internal

optimizers::SGD::SGD(LearningRate rate, SGDOptions o)
    : Optimizer(std::make_shared<internal::SgdRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
