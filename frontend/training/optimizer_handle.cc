// Optimizer, the handle to an optimizer of Keras or of PyTorch.
#include "absl/strings/str_cat.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/value.h"
#include "frontend/mica/autograd.h"
#include "frontend/training/optim/parameter_optimizer.h"
#include "frontend/training/optimizer.h"
#include "frontend/training/optimizers/registry.h"
#include "frontend/training/step_trace.h"

namespace mica {

Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}
Optimizer::Optimizer(const std::string& name) : Optimizer(internal::make_optimizer({name, {}})) {}

internal::OptimizerImpl& Optimizer::impl() const {
  if (impl_) return *impl_;
  throw Error({.where = "optimizer",
               .expected = "an optimizer of Keras, as mica::Adam(1e-3)",
               .received = absl::StrCat("optim::", parameter_optimizer_->class_name()),
               .hint = "Those of optim:: update the parameters they were made with: step()."});
}

internal::ParameterOptimizer& Optimizer::parameter_optimizer() const {
  if (parameter_optimizer_) return *parameter_optimizer_;
  throw Error({.where = impl_->name(),
               .expected = "an optimizer of PyTorch, as optim::Adam(net.parameters())",
               .received = "one of Keras",
               .hint = "Those of Keras take the gradients: apply(grads, variables)."});
}

double Optimizer::lr() const { return impl_ ? impl_->lr() : parameter_optimizer_->groups()[0].lr; }

void Optimizer::set_lr(double lr) const {
  if (impl_) return impl_->set_lr(lr);
  for (internal::ParameterGroup& group : parameter_optimizer_->groups()) group.lr = lr;
}

void Optimizer::zero_grad() const { parameter_optimizer().zero_grad(); }
void Optimizer::step() const { parameter_optimizer().step(); }
Tensor Optimizer::step(const std::function<Tensor()>& closure) const { return parameter_optimizer().step(closure); }
void Optimizer::add_param_group(const optim::ParamGroup& group) const { parameter_optimizer().add_group(group); }
TensorDict Optimizer::state_dict() const { return parameter_optimizer().state_dict(); }
void Optimizer::load_state_dict(const TensorDict& state) const { parameter_optimizer().load_state_dict(state); }

Parameters Optimizer::variables() const { return impl().variables(); }
std::int64_t Optimizer::iterations() const { return impl().iterations(); }
void Optimizer::exclude_from_weight_decay(const Parameters& variables, const std::vector<std::string>& names) const {
  impl().exclude_from_weight_decay(variables, names);
}

void Optimizer::apply(const Tensors& grads, const Parameters& variables) const {
  internal::OptimizerImpl& optimizer = impl();
  if (grads.size() != variables.size()) {
    throw Error({.where = optimizer.name(),
                 .expected = absl::StrCat(variables.size(), " gradients, one for each variable"),
                 .received = absl::StrCat(grads.size()),
                 .hint = {}});
  }
  if (internal::apply_in_step(*this, grads, variables)) return;
  NoGradGuard no_grad;
  optimizer.build(variables);
  Tensors operands;
  for (double value : optimizer.operands()) operands.push_back(Tensor::of(internal::make_literal(value, kFloat32)));
  optimizer.apply(variables, grads, operands);
  internal::run_bindings();
  optimizer.count_step();
}

}  // namespace mica
