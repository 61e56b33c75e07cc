#include "frontend/nn/builtin_module.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"

namespace mica::internal {

BuiltinModule::BuiltinModule(std::string_view class_name) : class_name_(class_name) {
  LayerState& state = state_of(*this);
  state.mode = true;  // modules train until eval()
  state.built = true;
  ensure_named(*this);
}

Tensor BuiltinModule::forward(const Tensor& x) { return x; }

Tensors BuiltinModule::forward_all(const Tensors& xs) {
  expect_inputs(xs, 1, 1);
  return {forward(xs[0])};
}

void BuiltinModule::register_parameter(std::string_view name, const Tensor& value) {
  add_named_weight(*this, name, value, /*is_buffer=*/false, /*requires_grad=*/true);
}
void BuiltinModule::register_buffer(std::string_view name, const Tensor& value) {
  add_named_weight(*this, name, value, /*is_buffer=*/true, /*requires_grad=*/false);
}
void BuiltinModule::register_module(std::string_view name, const Layer& module) { add_layer(name, module); }

Variable BuiltinModule::variable(std::string_view name) const { return state_of(*this).find_weight(name); }

Tensor BuiltinModule::weight(std::string_view name) const {
  Variable own = variable(name);
  return own.defined() ? own : parametrized_weight(*this, name);
}

Layer BuiltinModule::with_weights(const Tensor&, const Tensor&) const {
  fail("a convolution or a linear map", class_name());
}

void BuiltinModule::be_lazy(std::string_view plain_class) {
  plain_class_ = plain_class;
  state_of(*this).built = false;
}

void BuiltinModule::build(const std::vector<Shape>& input_shapes) {
  infer(input_shapes.at(0));
  set_class_name(plain_class_);
}

void BuiltinModule::declare(std::string_view name, bool is_buffer) {
  LayerState& state = state_of(*this);
  CellRef cell = make_uninitialized_cell(absl::StrCat(state.name, "/", std::string(name)), !is_buffer);
  state.set_weight(name, Variable::of(std::move(cell)));
}

void BuiltinModule::provide(std::string_view name, const Tensor& value) {
  const CellRef cell = variable(name).cell();
  if (cell->is_uninitialized()) return cell->initialize(value);
  if (variable(name).shape() == value.shape()) return;
  fail(absl::StrCat(std::string(name), " of shape ", value.shape().to_string(), ", as the input tells"),
       absl::StrCat("one that was loaded, ", variable(name).shape().to_string()));
}

Layer BuiltinModule::module(std::string_view name) const {
  for (const auto& [own, layer] : state_of(*this).sublayers) {
    if (own == name) return layer;
  }
  return {};
}

Tensor BuiltinModule::keyword(std::string_view name) const {
  const LayerScope* scope = LayerScope::current();
  if (!scope || &scope->layer() != this) return {};
  for (const auto& [given, tensor] : scope->arguments().keywords) {
    if (given == name) return tensor;
  }
  return {};
}

bool BuiltinModule::option(std::string_view name, bool fallback) const {
  const LayerScope* scope = LayerScope::current();
  if (!scope || &scope->layer() != this) return fallback;
  const ir::Attr* value = scope->arguments().options.find(name);
  return value ? std::get<bool>(*value) : fallback;
}

ir::Ints BuiltinModule::list_option(std::string_view name) const {
  const LayerScope* scope = LayerScope::current();
  if (!scope || &scope->layer() != this) return {};
  const ir::Attr* value = scope->arguments().options.find(name);
  return value ? std::get<ir::Ints>(*value) : ir::Ints();
}

void BuiltinModule::expect_inputs(const Tensors& xs, std::size_t least, std::size_t most) const {
  if (xs.size() >= least && xs.size() <= most) return;
  std::string count = least == most ? absl::StrCat(least) : absl::StrCat(least, " to ", most);
  fail(absl::StrCat(count, most == 1 ? " tensor" : " tensors"), absl::StrCat(xs.size()));
}

void BuiltinModule::expect_positive(std::string_view option, std::int64_t value) const {
  if (value < 1) fail(absl::StrCat(std::string(option), " of at least 1"), absl::StrCat(value));
}

void BuiltinModule::expect_choice(std::string_view option, const std::string& value,
                                  std::initializer_list<const char*> allowed) const {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  fail(absl::StrCat(std::string(option), " to be one of ", absl::StrJoin(allowed, ", ")),
       absl::StrCat("\"", value, "\""));
}

void BuiltinModule::fail(std::string_view expected, std::string_view received, std::string_view hint) const {
  throw Error({.where = state_of(*this).name,
               .expected = std::string(expected),
               .received = std::string(received),
               .hint = std::string(hint)});
}

namespace {

class StatelessModule final : public BuiltinModule {
 public:
  StatelessModule(const char* class_name, std::string text, ModuleFunction function)
      : BuiltinModule(class_name), text_(std::move(text)), function_(std::move(function)) {}
  std::string module_text() const override { return text_; }

 protected:
  Tensor forward(const Tensor& x) override { return function_(x, training()); }

 private:
  std::string text_;
  ModuleFunction function_;
};

class FunctionOfTensors final : public BuiltinModule {
 public:
  FunctionOfTensors(const char* class_name, std::string text, std::size_t count,
                    std::function<Tensor(const Tensors&)> function)
      : BuiltinModule(class_name), text_(std::move(text)), count_(count), function_(std::move(function)) {}
  std::string module_text() const override { return text_; }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, count_, count_);
    return {function_(xs)};
  }

 private:
  std::string text_;
  std::size_t count_;
  std::function<Tensor(const Tensors&)> function_;
};

}  // namespace

std::shared_ptr<CustomLayer> stateless_module(const char* class_name, std::string text, ModuleFunction function) {
  return std::make_shared<StatelessModule>(class_name, std::move(text), std::move(function));
}
std::shared_ptr<CustomLayer> stateless_module(const char* class_name, std::string text,
                                              std::function<Tensor(const Tensor&)> function) {
  return stateless_module(class_name, std::move(text),
                          ModuleFunction([f = std::move(function)](const Tensor& x, bool) { return f(x); }));
}
std::shared_ptr<CustomLayer> function_of_tensors(const char* class_name, std::string text, std::size_t count,
                                                 std::function<Tensor(const Tensors&)> function) {
  return std::make_shared<FunctionOfTensors>(class_name, std::move(text), count, std::move(function));
}

Tensors call_module(const Layer& module, Tensors tensors, ir::Attrs options) {
  CallArguments arguments;
  arguments.tensors = std::move(tensors);
  arguments.options = std::move(options);
  return invoke(module.impl(), std::move(arguments));
}

namespace {
bool is_variable(const Tensor& tensor) { return tensor.node()->kind == ValueKind::kVariable; }
}  // namespace

Variable add_named_weight(CustomLayer& layer, std::string_view name, const Tensor& value, bool is_buffer,
                          bool requires_grad) {
  LayerState& state = state_of(layer);
  ensure_named(layer);
  defined_node(value, state.name);
  Variable weight;
  if (is_variable(value)) {
    weight = Variable::of(value.node()->cell);
  } else {
    CellRef cell = make_cell(absl::StrCat(state.name, "/", std::string(name)), value, requires_grad);
    cell->name = name;
    cell->is_buffer = is_buffer;
    weight = Variable::of(std::move(cell));
  }
  state.set_weight(name, weight);
  return weight;
}

}  // namespace mica::internal
