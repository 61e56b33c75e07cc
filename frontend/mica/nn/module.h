// nn::Module: what one's own modules derive from.
#pragma once
#include "mica/model.h"

namespace mica::nn {

// Derive, implement forward(), create with make<T>(). Modules train until eval().
class Module : public CustomModel {
 public:
  Module();
  virtual Tensor forward(const Tensor& x);
  virtual Tensors forward(const Tensors& xs);
  // What stands between the parentheses when the module is printed; its submodules follow.
  virtual std::string extra_repr() const;
  // Of a parametrization: what forward() makes a value of; several tensors where forward takes several. Default: the
  // value itself.
  virtual Tensors right_inverse(const Tensor& value) const;
  Tensor call(const Tensor& x) final;
  Tensors call(const Tensors& xs) final;

 protected:
  template <std::derived_from<Layer> L>
  L register_module(std::string_view name, L module) {
    return add_layer(name, std::move(module));
  }
  // A Variable is taken as it is: two names may stand for one parameter.
  Variable register_parameter(std::string_view name, const Tensor& value, bool requires_grad = true);
  Variable register_buffer(std::string_view name, const Tensor& value);
};

// `module.name = parameter` of PyTorch: one of torch.nn's modules takes another's parameter for its own. Both train it.
void set_parameter(const Layer& module, std::string_view name, const Variable& parameter);

}  // namespace mica::nn
