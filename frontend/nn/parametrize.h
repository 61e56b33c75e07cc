// Parametrizations: a tensor of a module that is made of other parameters whenever it is used.
#pragma once
#include "frontend/nn/container_module.h"

namespace mica::internal {

// Of a built-in parametrization, as nn::Module has it.
class HasRightInverse {
 public:
  virtual ~HasRightInverse() = default;
  virtual Tensors right_inverse(const Tensor& value) const = 0;
};

// The modules that are called one after another, and the originals that the first is called with: parameters
// "original", or "original0", "original1", ….
class ParametrizationList final : public ContainerModule {
 public:
  // `original` becomes what the right inverse of the parametrization makes of it.
  ParametrizationList(const Layer& parametrization, const Variable& original);

  Tensor value() const;
  // One Variable, whose value is the original.
  bool has_one_original() const { return variable("original").defined(); }
  Variable original() const { return variable("original"); }
  bool is_buffer() const { return is_buffer_; }
  bool requires_grad() const { return requires_grad_; }

 private:
  bool is_buffer_, requires_grad_;
};

// The list of a module's tensor; null where it is not parametrized.
ParametrizationList* parametrization_of(const CustomLayer& module, std::string_view name);

}  // namespace mica::internal
