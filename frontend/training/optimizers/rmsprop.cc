#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// ε stands inside the root.
class RmsPropRule : public Rule<RMSpropOptions> {
 public:
  RmsPropRule(LearningRate rate, RMSpropOptions o) : Rule("RMSprop", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("rho", o_.rho);
    v.field("momentum", o_.momentum);
    v.field("epsilon", o_.epsilon);
    v.field("centered", o_.centered);
  }
  void check_options() const override {
    check_beta("rho", o_.rho);
    check_not_negative("epsilon", o_.epsilon);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    std::vector<SlotSpec> slots = {slot(variable, "velocity")};
    if (o_.momentum > 0) slots.push_back(slot(variable, "momentum", 0, /*group=*/1));
    if (o_.centered) slots.push_back(slot(variable, "average_gradient", 0, /*group=*/2));
    return slots;
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, velocity = a.slots[0];
    velocity.assign(velocity * o_.rho + a.grad.square() * (1 - o_.rho));
    Tensor variance = velocity;
    if (o_.centered) {
      Variable average = a.slots.back();
      average.assign(average * o_.rho + a.grad * (1 - o_.rho));
      variance = velocity - average.square();
    }
    Tensor step = a.lr * a.grad / (variance + o_.epsilon).sqrt();
    if (o_.momentum > 0) {
      Variable momentum = a.slots[1];
      momentum.assign(momentum * o_.momentum + step);
      step = momentum;
    }
    w.assign(w - step);
  }
};

}  // namespace
}  // namespace internal

optimizers::RMSprop::RMSprop(LearningRate rate, RMSpropOptions o)
    : Optimizer(std::make_shared<internal::RmsPropRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
