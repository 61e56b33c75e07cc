#include <algorithm>

#include "frontend/graph/apply.h"
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// No schedule: "momentum" takes the steps, the variable is a mixture of it and of its mean over all steps.
class ScheduleFreeRule : public Rule<ScheduleFreeAdamWOptions> {
 public:
  ScheduleFreeRule(LearningRate rate, ScheduleFreeAdamWOptions o)
      : Rule("ScheduleFreeAdamW", std::move(rate), std::move(o)) {
    check_options();
  }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("beta_1", o_.beta_1);
    v.field("beta_2", o_.beta_2);
    v.field("epsilon", o_.epsilon);
    v.field("warmup_steps", o_.warmup_steps);
  }
  void check_options() const override {
    check_beta("beta_1", o_.beta_1);
    check_beta("beta_2", o_.beta_2);
    check_not_negative("epsilon", o_.epsilon);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    SlotSpec stepped = slot(variable, "momentum");
    stepped.initial = Tensor::of(current_value(variable.node()));
    return {stepped, slot(variable, "velocity")};
  }

  // The rate after warm-up, the correction of the second moment, the weight of this step in the mean.
  std::vector<double> factors(double lr, double step) const override {
    double warmup = o_.warmup_steps > 0 ? std::min(step / static_cast<double>(o_.warmup_steps), 1.0) : 1;
    return {lr * warmup, 1 / (1 - std::pow(o_.beta_2, step)), 1 / step};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, stepped = a.slots[0], v = a.slots[1];
    const Tensor &rate = a.factors[0], &correction = a.factors[1], &weight = a.factors[2];
    v.assign(moved_towards(v, a.grad.square(), o_.beta_2));
    stepped.assign(stepped - rate * a.grad / ((v * correction).sqrt() + o_.epsilon));
    // Keras takes the mean out of the variable with the "momentum" of this step, not with that of the one before.
    Tensor mean = (w - stepped * (1 - o_.beta_1)) / o_.beta_1;
    mean = (1 - weight) * mean + weight * stepped;
    w.assign(stepped * (1 - o_.beta_1) + mean * o_.beta_1);
  }
};

}  // namespace
}  // namespace internal

optimizers::ScheduleFreeAdamW::ScheduleFreeAdamW(LearningRate rate, ScheduleFreeAdamWOptions o)
    : Optimizer(std::make_shared<internal::ScheduleFreeRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
