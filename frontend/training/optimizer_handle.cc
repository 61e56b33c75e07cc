// Optimizer, the handle to an optimizer of Keras.
#include "absl/strings/str_cat.h"
#include "frontend/graph/value.h"
#include "frontend/training/optimizer.h"
#include "frontend/training/optimizers/registry.h"

namespace mica {

Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}
Optimizer::Optimizer(const std::string& name) : Optimizer(internal::make_optimizer({name, {}})) {}

double Optimizer::lr() const { return impl_->lr(); }
void Optimizer::set_lr(double lr) const { impl_->set_lr(lr); }
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
  optimizer.build(variables);
  Tensors operands;
  for (double value : optimizer.operands()) operands.push_back(Tensor::of(internal::make_literal(value, kFloat32)));
  optimizer.apply(variables, grads, operands);
  optimizer.count_step();
}

}  // namespace mica
