// Adam and AdamW, which differ in the default of weight_decay.
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// The bias corrections go into the rate, ε stands outside of them.
class AdamRule : public Rule<AdamWOptions> {
 public:
  AdamRule(std::string_view class_name, LearningRate rate, AdamWOptions o)
      : Rule(class_name, std::move(rate), std::move(o)), must_decay_(class_name == "AdamW") {
    if (must_decay_) common().weight_decay = o_.weight_decay;
    check_options();
  }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("beta_1", o_.beta_1);
    v.field("beta_2", o_.beta_2);
    v.field("epsilon", o_.epsilon);
    v.field("amsgrad", o_.amsgrad);
  }
  void check_options() const override {
    check_beta("beta_1", o_.beta_1);
    check_beta("beta_2", o_.beta_2);
    check_not_negative("epsilon", o_.epsilon);
    if (must_decay_ && !common().weight_decay) {
      throw Error({.where = name(), .expected = "weight_decay to be a number", .received = "none", .hint = {}});
    }
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    std::vector<SlotSpec> slots = {slot(variable, "momentum"), slot(variable, "velocity")};
    if (o_.amsgrad) slots.push_back(slot(variable, "velocity_hat", 0, /*group=*/1));
    return slots;
  }

  std::vector<double> factors(double lr, double step) const override {
    return {adam_rate(lr, o_.beta_1, o_.beta_2, step)};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0], v = a.slots[1];
    m.assign(moved_towards(m, a.grad, o_.beta_1));
    v.assign(moved_towards(v, a.grad.square(), o_.beta_2));
    Variable scale = v;
    if (o_.amsgrad) {
      scale = a.slots[2];
      scale.assign(maximum(scale, v));
    }
    w.assign(w - m * a.factors[0] / (scale.sqrt() + o_.epsilon));
  }

 private:
  bool must_decay_;
};

}  // namespace
}  // namespace internal

optimizers::AdamOptions::operator AdamWOptions() const {
  return {.beta_1 = beta_1,
          .beta_2 = beta_2,
          .epsilon = epsilon,
          .amsgrad = amsgrad,
          .weight_decay = weight_decay,
          .clipnorm = clipnorm,
          .clipvalue = clipvalue,
          .global_clipnorm = global_clipnorm,
          .use_ema = use_ema,
          .ema_momentum = ema_momentum,
          .ema_overwrite_frequency = ema_overwrite_frequency,
          .loss_scale_factor = loss_scale_factor,
          .gradient_accumulation_steps = gradient_accumulation_steps,
          .name = name};
}

optimizers::Adam::Adam(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::AdamRule>("Adam", std::move(rate), std::move(o))) {}
optimizers::AdamW::AdamW(LearningRate rate, AdamWOptions o)
    : Optimizer(std::make_shared<internal::AdamRule>("AdamW", std::move(rate), std::move(o))) {}

}  // namespace mica
