#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

class AdadeltaRule : public Rule<AdadeltaOptions> {
 public:
  AdadeltaRule(LearningRate rate, AdadeltaOptions o) : Rule("Adadelta", std::move(rate), std::move(o)) {
    check_options();
  }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("rho", o_.rho);
    v.field("epsilon", o_.epsilon);
  }
  void check_options() const override {
    check_beta("rho", o_.rho);
    check_not_negative("epsilon", o_.epsilon);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    return {slot(variable, "accumulated_grad"), slot(variable, "accumulated_delta_var")};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, grads = a.slots[0], deltas = a.slots[1];
    grads.assign(grads * o_.rho + a.grad.square() * (1 - o_.rho));
    Tensor delta = root(deltas) * a.grad / root(grads);
    deltas.assign(deltas * o_.rho + delta.square() * (1 - o_.rho));
    w.assign(w - a.lr * delta);
  }

 private:
  Tensor root(const Tensor& x) const { return (x + o_.epsilon).sqrt(); }
};

}  // namespace
}  // namespace internal

optimizers::Adadelta::Adadelta(LearningRate rate, AdadeltaOptions o)
    : Optimizer(std::make_shared<internal::AdadeltaRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
