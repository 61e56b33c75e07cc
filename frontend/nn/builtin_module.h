// BuiltinModule: the base of torch.nn's modules. Its constructor makes the parameters; forward reads them by name, so
// that two modules may be given the same one.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "frontend/graph/layer_state.h"
#include "frontend/graph/scope.h"

namespace mica::internal {

// Whatever prints as a module of PyTorch.
class ModuleText {
 public:
  virtual ~ModuleText() = default;
  // What stands between the parentheses.
  virtual std::string module_text() const = 0;
};

// What stands between the parentheses of any layer that is printed as a module. (frontend/nn/repr.cc)
std::string text_in_parentheses(const Layer& layer);

class BuiltinModule : public CustomLayer, public ModuleText {
 public:
  explicit BuiltinModule(std::string_view class_name);
  std::string class_name() const final { return class_name_; }
  void set_class_name(std::string_view class_name) { class_name_ = class_name; }
  std::string module_text() const override { return {}; }
  Tensors call(const Tensors& xs) final { return forward_all(xs); }
  using CustomLayer::call;
  // The first call of a lazy module.
  void build(const std::vector<Shape>& input_shapes) final;
  using CustomLayer::build;
  // The tensor of a parameter or buffer that stands for it in a call: itself, or what its parametrization makes;
  // undefined where there is none.
  Tensor weight(std::string_view name) const;
  // For folding: a module like this one with another weight and bias.
  virtual Layer with_weights(const Tensor& weight, const Tensor& bias) const;

 protected:
  // Override one of them.
  virtual Tensor forward(const Tensor& x);
  virtual Tensors forward_all(const Tensors& xs);

  void register_parameter(std::string_view name, const Tensor& value);
  void register_buffer(std::string_view name, const Tensor& value);
  void register_module(std::string_view name, const Layer& module);
  // The parameter or buffer itself; undefined where there is none. A module's by name.
  Variable variable(std::string_view name) const;
  Layer module(std::string_view name) const;

  // Of a lazy module, which becomes one of `plain_class` at its first call: then infer() learns the sizes and provides
  // the values of what was declared. What was loaded before keeps its value.
  void be_lazy(std::string_view plain_class);
  void declare_parameter(std::string_view name) { declare(name, /*is_buffer=*/false); }
  void declare_buffer(std::string_view name) { declare(name, /*is_buffer=*/true); }
  virtual void infer(const Shape& input) { static_cast<void>(input); }
  void provide(std::string_view name, const Tensor& value);

  // Of the running call: tensors and switches given by keyword.
  Tensor keyword(std::string_view name) const;
  bool option(std::string_view name, bool fallback) const;
  ir::Ints list_option(std::string_view name) const;  // empty where there is none

  void expect_inputs(const Tensors& xs, std::size_t least, std::size_t most) const;
  void expect_positive(std::string_view option, std::int64_t value) const;
  void expect_choice(std::string_view option, const std::string& value,
                     std::initializer_list<const char*> allowed) const;
  [[noreturn]] void fail(std::string_view expected, std::string_view received, std::string_view hint = {}) const;

 private:
  void declare(std::string_view name, bool is_buffer);

  std::string class_name_, plain_class_;
};

// What the parametrization of a module's tensor makes; undefined where it has none. (frontend/nn/parametrize.cc)
Tensor parametrized_weight(const CustomLayer& module, std::string_view name);

// A module without parameters: the function, and what stands in its parentheses.
using ModuleFunction = std::function<Tensor(const Tensor& x, bool training)>;
std::shared_ptr<CustomLayer> stateless_module(const char* class_name, std::string text,
                                              std::function<Tensor(const Tensor&)> function);
std::shared_ptr<CustomLayer> stateless_module(const char* class_name, std::string text, ModuleFunction function);
// Of several tensors.
std::shared_ptr<CustomLayer> function_of_tensors(const char* class_name, std::string text, std::size_t count,
                                                 std::function<Tensor(const Tensors&)> function);

// Calls a module with these tensors and switches.
Tensors call_module(const Layer& module, Tensors tensors, ir::Attrs options = {});

// A parameter or buffer of a layer under a name; it replaces one of that name. `value` may be a Variable.
Variable add_named_weight(CustomLayer& layer, std::string_view name, const Tensor& value, bool is_buffer,
                          bool requires_grad);

// Random values for new parameters.
Tensor uniform_values(const Shape& shape, double low, double high);
Tensor normal_values(const Shape& shape, double mean, double deviation);
// Inputs of one output, and outputs of one input: PyTorch's two fans of a weight.
struct Fans {
  double in, out;
};
Fans fans_of(const Shape& shape);
// The bound of PyTorch's default for linear maps and convolutions: 1 / sqrt(fan in).
double default_bound(const Shape& weight_shape);

// Numbers as Python prints them: 1e-05, 0.1, 2.0; True; (3, 3).
std::string python_text(double value);
std::string python_text(bool value);
std::string python_text(std::int64_t value);
std::string python_text(const std::vector<std::int64_t>& tuple);
std::string python_text(const Shape& tuple);
template <int N>
std::string python_text(const Ints<N>& tuple) {
  std::vector<std::int64_t> values;
  for (int i = 0; i < N; ++i) values.push_back(tuple[i]);
  return python_text(values);
}

}  // namespace mica::internal
