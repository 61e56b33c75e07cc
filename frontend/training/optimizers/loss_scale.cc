#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/optimizers/conditional.h"
#include "frontend/training/optimizers/registry.h"
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

// Hands the gradients, divided by the scale, to another optimizer, unless they are not finite.
class LossScaleRule : public OptimizerImpl {
 public:
  LossScaleRule(Optimizer inner, LossScaleOptions o)
      : OptimizerImpl("LossScaleOptimizer", 0.0, {.name = o.name}), inner_(std::move(inner)), o_(std::move(o)) {
    inner_.impl().forgo_loss_scaling();
  }

  double lr() const override { return inner_.lr(); }
  void set_lr(double lr) override { inner_.set_lr(lr); }
  std::int64_t iterations() const override { return inner_.iterations(); }
  void count_step() override {
    if (finite_.item<bool>()) inner_.impl().count_step();
  }

  void build(const Parameters& variables) override {
    OptimizerImpl::build({});
    inner_.impl().build(variables);
  }
  Parameters slots() const override {
    Parameters all = OptimizerImpl::slots();
    Parameters more = inner_.impl().slots();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Parameters variables() override {
    Parameters all = OptimizerImpl::variables();
    all.resize(all.size() - inner_.impl().slots().size());
    Parameters more = inner_.impl().variables();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void reload() override { inner_.impl().reload(); }
  bool takes_any_gradient() const override { return true; }

  std::vector<double> operands() const override { return inner_.impl().operands(); }
  Tensor scaled(const Tensor& loss) override {
    OptimizerImpl::build({});
    return loss * scale_variable();
  }

  void apply(const Parameters& variables, Tensors grads, const Tensors& operands) override {
    Variable counter = OptimizerImpl::slots()[0], scale = scale_variable();
    Tensor finite;
    for (Tensor& grad : grads) {
      Tensor good = all_finite(grad);
      finite = finite.defined() ? finite & good : good;
      grad = grad / scale;
    }
    Parameters touched = inner_.impl().slots();
    touched.insert(touched.end(), variables.begin(), variables.end());
    ConditionalUpdate conditional(touched);
    inner_.impl().apply(variables, grads, operands);
    conditional.only_if(finite);

    Tensor grows = counter == o_.dynamic_growth_steps - 1;
    counter.assign(where(finite & ~grows, counter + 1, 0));
    scale.assign(where(finite, where(grows, scale * 2, scale), scale * 0.5));
    finite_.assign(finite);
  }
  void finalize(const Parameters& variables) override { inner_.impl().finalize(variables); }
  void swap_averages(const Parameters& variables) override { inner_.impl().swap_averages(variables); }
  void set_averages(const Parameters& variables) override { inner_.impl().set_averages(variables); }

 protected:
  void visit_all(FieldVisitor& v) override {
    v.field("name", common().name);
    v.required("inner_optimizer", inner_);
    inner_.impl().forgo_loss_scaling();
    v.field("initial_scale", o_.initial_scale);
    v.field("dynamic_growth_steps", o_.dynamic_growth_steps);
  }
  void visit_options(FieldVisitor&) override {}
  void check_options() const override { check_not_negative("initial_scale", o_.initial_scale); }
  std::vector<SlotSpec> slots_of(const Variable&) const override { return {}; }
  std::vector<SlotSpec> own_slots() const override {
    return {{absl::StrCat(name(), "/step_counter"), full({}, 0, {.dtype = kInt32})},
            {absl::StrCat(name(), "/dynamic_scale"), full({}, o_.initial_scale, {.dtype = kFloat32})}};
  }
  void update(const UpdateArguments&) override {}

 private:
  Variable scale_variable() const { return OptimizerImpl::slots()[1]; }

  Optimizer inner_;
  LossScaleOptions o_;
  Variable finite_{full({}, true, {.dtype = kBool}), "finite", false};  // whether the last step was taken
};

}  // namespace
}  // namespace internal

optimizers::LossScaleOptimizer::LossScaleOptimizer(const Optimizer& inner_optimizer, LossScaleOptions o)
    : Optimizer(std::make_shared<internal::LossScaleRule>(inner_optimizer, std::move(o))) {}

}  // namespace mica
