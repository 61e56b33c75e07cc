#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// "Follow the regularized leader": the variable is computed anew from two sums at every step.
class FtrlRule : public Rule<FtrlOptions> {
 public:
  FtrlRule(LearningRate rate, FtrlOptions o) : Rule("Ftrl", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("learning_rate_power", o_.learning_rate_power);
    v.field("initial_accumulator_value", o_.initial_accumulator_value);
    v.field("l1_regularization_strength", o_.l1_regularization_strength);
    v.field("l2_regularization_strength", o_.l2_regularization_strength);
    v.field("l2_shrinkage_regularization_strength", o_.l2_shrinkage_regularization_strength);
    v.field("beta", o_.beta);
  }
  void check_options() const override {
    check_not_negative("initial_accumulator_value", o_.initial_accumulator_value);
    check_not_negative("l1_regularization_strength", o_.l1_regularization_strength);
    check_not_negative("l2_regularization_strength", o_.l2_regularization_strength);
    check_not_negative("l2_shrinkage_regularization_strength", o_.l2_shrinkage_regularization_strength);
    check_not_negative("learning_rate_power, turned round,", -o_.learning_rate_power);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    return {slot(variable, "accumulator", o_.initial_accumulator_value), slot(variable, "linear")};
  }

  // 1 / lr, and twice the strength of L2 with β in it.
  std::vector<double> factors(double lr, double) const override {
    return {1 / lr, 2 * o_.l2_regularization_strength + o_.beta / lr};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, accumulator = a.slots[0], linear = a.slots[1];
    const Tensor& inverse_rate = a.factors[0];
    const double power = -o_.learning_rate_power, l1 = o_.l1_regularization_strength;
    Tensor before = accumulator.pow(power);
    accumulator.assign(accumulator + a.grad.square());
    Tensor after = accumulator.pow(power);
    Tensor shrunk = a.grad + w * (2 * o_.l2_shrinkage_regularization_strength);
    linear.assign(linear + shrunk - (after - before) * inverse_rate * w);
    w.assign((linear.clamp(-l1, l1) - linear) / (after * inverse_rate + a.factors[1]));
  }
};

}  // namespace
}  // namespace internal

optimizers::Ftrl::Ftrl(LearningRate rate, FtrlOptions o)
    : Optimizer(std::make_shared<internal::FtrlRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
