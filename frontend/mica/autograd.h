// Gradients and functions that are compiled.
#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "mica/tensor.h"

namespace mica {

// The gradient of a scalar with respect to values that it depends on: Variables, or any tensors of its graph. Gradients
// are ordinary values: they can be differentiated again. Error for an input that does not lead to the output.
Tensor grad(const Tensor& output, const Tensor& input);
Tensors grad(const Tensor& output, const Tensors& inputs);
template <std::derived_from<Tensor> V>
  requires(!std::same_as<V, Tensor>)
Tensors grad(const Tensor& output, const std::vector<V>& variables) {
  return grad(output, Tensors(std::vector<Tensor>(variables.begin(), variables.end())));
}

class NoGradGuard {  // nothing computed on this thread while it lives asks for gradients
 public:
  NoGradGuard();
  ~NoGradGuard();
  NoGradGuard(const NoGradGuard&) = delete;
  NoGradGuard& operator=(const NoGradGuard&) = delete;

 private:
  bool enabled_before_;
};
void no_grad(const std::function<void()>& body);

struct ValueAndGrad {
  Tensor value;
  Tensors grads;
};
// f(parameters, the rest) -> a scalar, differentiated by the parameters; zeros for one that it does not use.
//   auto [loss, grads] = value_and_grad(f)(parameters, data);
std::function<ValueAndGrad(const Tensors&, const Tensors&)> value_and_grad(
    std::function<Tensor(const Tensors&, const Tensors&)> f);
std::function<ValueAndGrad(const Tensors&)> value_and_grad(std::function<Tensor(const Tensors&)> f);

struct CompileFunctionOptions {
  std::string_view precision = {};
  std::string_view device = {};
};
// A pure function, traced once per signature of shapes and dtypes: one Program each. What it uses besides its inputs
// (Variables, arrays) is read at every call. Its results carry no gradient; inside of it, grad() works.
class CompiledFunction {
 public:
  Tensor operator()(const Inputs& inputs) const;  // the only result; Error when there are several
  Tensors apply(const Inputs& inputs) const;
  int compilations() const;

 private:
  friend CompiledFunction compile(std::function<Tensor(const Tensor&)> f, CompileFunctionOptions options);
  friend CompiledFunction compile(std::function<Tensors(const Tensors&)> f, CompileFunctionOptions options);
  struct State;
  explicit CompiledFunction(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};
CompiledFunction compile(std::function<Tensor(const Tensor&)> f, CompileFunctionOptions options = {});
CompiledFunction compile(std::function<Tensors(const Tensors&)> f, CompileFunctionOptions options = {});

}  // namespace mica
