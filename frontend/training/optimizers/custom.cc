// One's own optimizer, derived from CustomOptimizer.
#include "frontend/files/custom_classes.h"
#include "frontend/graph/naming.h"
#include "frontend/training/optimizers/registry.h"
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

std::string class_of(const CustomOptimizer& rule) { return class_name_of(typeid(rule)); }

class OwnRule final : public OptimizerImpl {
 public:
  OwnRule(std::shared_ptr<CustomOptimizer> object, LearningRate rate, const OptimizerOptions& options)
      : OptimizerImpl(class_of(*object), std::move(rate), OptimizerCommon::of(options)),
        object_(std::move(object)) {}

  const CustomOptimizer* custom() const override { return object_.get(); }

 protected:
  void visit_options(FieldVisitor&) override {}
  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    std::vector<SlotSpec> slots;
    for (const std::string& name : object_->slot_names()) slots.push_back(slot(variable, name));
    return slots;
  }
  std::vector<double> factors(double, double step) const override { return {step}; }
  void update(const UpdateArguments& a) override {
    object_->update_step(a.grad, a.variable, a.slots, a.lr, a.factors[0]);
  }

 private:
  std::shared_ptr<CustomOptimizer> object_;
};

}  // namespace

Config::Value custom_optimizer_value(OptimizerImpl& optimizer) {
  const CustomOptimizer& object = *optimizer.custom();
  Described described = optimizer.described();
  const Config own = object.config();
  for (const auto& [key, value] : own.items()) described.config.set(key, value);
  return custom_value(registered_name_of(object), described.class_name, described.config, "register_optimizer");
}

std::optional<Optimizer> make_custom_optimizer(const Described& described) {
  const auto* known = find_custom_optimizer(described.class_name);
  if (!known || known->registered_name != described.class_name) return std::nullopt;
  Optimizer optimizer = known->make(described.config);
  OptimizerImpl& impl = optimizer.impl();
  const Config own = impl.custom() ? impl.custom()->config() : Config();
  Config common;
  for (const auto& [key, value] : described.config.items()) {
    if (!own.contains(key)) common.set(key, value);
  }
  impl.read(common);
  return optimizer;
}

}  // namespace internal

CustomOptimizer::CustomOptimizer(LearningRate learning_rate, OptimizerOptions options)
    : learning_rate_(std::move(learning_rate)), options_(std::move(options)) {}

Optimizer Optimizer::of(std::shared_ptr<CustomOptimizer> object) {
  LearningRate rate = object->learning_rate_;
  const OptimizerOptions options = object->options_;
  return Optimizer(std::make_shared<internal::OwnRule>(std::move(object), std::move(rate), options));
}

}  // namespace mica
