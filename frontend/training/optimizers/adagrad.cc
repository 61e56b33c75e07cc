#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

class AdagradRule : public Rule<AdagradOptions> {
 public:
  AdagradRule(LearningRate rate, AdagradOptions o) : Rule("Adagrad", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("initial_accumulator_value", o_.initial_accumulator_value);
    v.field("epsilon", o_.epsilon);
  }
  void check_options() const override {
    check_not_negative("initial_accumulator_value", o_.initial_accumulator_value);
    check_not_negative("epsilon", o_.epsilon);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    return {slot(variable, "accumulator", o_.initial_accumulator_value)};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, accumulator = a.slots[0];
    accumulator.assign(accumulator + a.grad.square());
    w.assign(w - a.lr * a.grad / (accumulator + o_.epsilon).sqrt());
  }
};

}  // namespace
}  // namespace internal

optimizers::Adagrad::Adagrad(LearningRate rate, AdagradOptions o)
    : Optimizer(std::make_shared<internal::AdagradRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
