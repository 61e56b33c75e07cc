#include "frontend/mica/nn/module.h"

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {

using internal::state_of;

Module::Module() { state_of(*this).mode = true; }

Tensor Module::forward(const Tensor&) {
  throw Error({.where = state_of(*this).name,
               .expected = absl::StrCat(class_name(), " to override forward"),
               .received = "a class without it",
               .hint = "Tensor forward(const Tensor& x) override, or Tensors forward(const Tensors& xs) override."});
}

Tensors Module::forward(const Tensors& xs) {
  if (xs.size() == 1) return {forward(xs[0])};
  throw Error({.where = state_of(*this).name,
               .expected = "one tensor",
               .received = absl::StrCat(xs.size()),
               .hint = "A module of several tensors overrides Tensors forward(const Tensors& xs)."});
}

std::string Module::extra_repr() const { return {}; }

Tensors Module::right_inverse(const Tensor& value) const { return {value}; }

Tensor Module::call(const Tensor& x) { return forward(x); }
Tensors Module::call(const Tensors& xs) { return forward(xs); }

Variable Module::register_parameter(std::string_view name, const Tensor& value, bool requires_grad) {
  return internal::add_named_weight(*this, name, value, /*is_buffer=*/false, requires_grad);
}
Variable Module::register_buffer(std::string_view name, const Tensor& value) {
  return internal::add_named_weight(*this, name, value, /*is_buffer=*/true, /*requires_grad=*/false);
}

void set_parameter(const Layer& module, std::string_view name, const Variable& parameter) {
  internal::LayerState& state = state_of(module);
  bool reads_by_name = module.get_if<internal::BuiltinModule>() != nullptr;
  Variable own = reads_by_name ? module.weight(name) : Variable();
  if (!reads_by_name || own.shape() != parameter.shape()) {
    throw Error({.where = state.name,
                 .expected = reads_by_name ? absl::StrCat("a parameter of shape ", own.shape().to_string())
                                           : "one of torch.nn's modules",
                 .received = reads_by_name ? parameter.shape().to_string() : module.class_name(),
                 .hint = {}});
  }
  state.set_weight(name, parameter);
}

}  // namespace mica::nn
