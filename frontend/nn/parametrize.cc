#include "frontend/nn/parametrize.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/nn/container.h"
#include "frontend/mica/nn/utils.h"

namespace mica {
namespace internal {
namespace {

constexpr const char* kChild = "parametrizations";
constexpr const char* kClassPrefix = "Parametrized";

Tensors right_inverse(const Layer& parametrization, const Tensor& value) {
  if (const auto* module = parametrization.get_if<nn::Module>()) return module->right_inverse(value);
  if (const auto* module = parametrization.get_if<HasRightInverse>()) return module->right_inverse(value);
  return {value};
}

// The ModuleDict of a module's parametrizations; null where it has none.
ContainerModule* dict_of(const LayerState& state) {
  for (const auto& [name, layer] : state.sublayers) {
    if (name == kChild) return layer.get_if<ContainerModule>();
  }
  return nullptr;
}

}  // namespace

ParametrizationList::ParametrizationList(const Layer& parametrization, const Variable& original)
    : ContainerModule("ParametrizationList"),
      is_buffer_(original.cell()->is_buffer),
      requires_grad_(original.requires_grad()) {
  append(parametrization);
  NoGradGuard no_grad;
  Tensors values = right_inverse(parametrization, original);
  if (values.size() == 1) {  // the same Variable: optimizers that have it go on
    if (values[0].node() != original.node()) original.cell()->bind(values[0]);
    state_of(*this).set_weight("original", original);
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_named_weight(*this, absl::StrCat("original", i), Tensor::of(current_value(values[i].node())), is_buffer_,
                     requires_grad_);
  }
}

Tensor ParametrizationList::value() const {
  const Parameters& originals = state_of(*this).weights;
  Tensors values(std::vector<Tensor>(originals.begin(), originals.end()));
  for (const auto& [name, module] : children()) {
    CallArguments arguments;
    arguments.tensors = values;
    values = invoke(module.impl(), std::move(arguments), absl::StrCat(kChild, ".", name));
  }
  return values[0];
}

ParametrizationList* parametrization_of(const CustomLayer& module, std::string_view name) {
  const ContainerModule* dict = dict_of(state_of(module));
  if (!dict) return nullptr;
  for (const auto& [tensor, list] : dict->children()) {
    if (tensor == name) return list.get_if<ParametrizationList>();
  }
  return nullptr;
}

Tensor parametrized_weight(const CustomLayer& module, std::string_view name) {
  const ParametrizationList* list = parametrization_of(module, name);
  return list ? list->value() : Tensor();
}

}  // namespace internal

namespace nn::utils::parametrize {
namespace {

using namespace internal;

BuiltinModule& builtin(const Layer& module) {
  state_of(module);
  if (auto* object = module.get_if<BuiltinModule>()) return *object;
  throw Error({.where = module.name(),
               .expected = "one of torch.nn's modules",
               .received = module.class_name(),
               .hint = "They read their parameters by name; one's own module calls a function of its parameter."});
}

void expect_like(const Layer& module, std::string_view name, const Tensor& before, const Tensor& made) {
  if (made.shape() == before.shape() && made.dtype() == before.dtype()) return;
  throw Error({.where = module.name(),
               .expected = absl::StrCat("a parametrization that keeps the shape and dtype of ", std::string(name), ", ",
                                        describe(before)),
               .received = describe(made),
               .hint = "{.unsafe = true} allows it."});
}

void register_first(const Layer& module, std::string_view name, const Layer& parametrization, bool unsafe) {
  LayerState& state = state_of(module);
  BuiltinModule& object = builtin(module);
  const Variable original = state.find_weight(name);
  if (!original.defined()) {
    throw Error({.where = module.name(),
                 .expected = "the name of one of its parameters or buffers",
                 .received = absl::StrCat("\"", std::string(name), "\""),
                 .hint = {}});
  }
  const Tensor before = Tensor::of(original.cell()->value());
  auto list = std::make_shared<ParametrizationList>(parametrization, original);
  Layer handle = Layer::of(list);
  handle.train(module.is_training());
  if (!unsafe) {
    try {
      NoGradGuard no_grad;
      expect_like(module, name, before, list->value());
    } catch (...) {
      original.cell()->bind(before);
      throw;
    }
  }
  state.remove_weight(name);
  if (dict_of(state)) {
    dict_of(state)->add(name, handle);
    return;
  }
  ModuleDict dict;
  dict.set(name, handle);
  dict.train(module.is_training());
  state.sublayers.emplace_back(kChild, dict);
  object.set_class_name(absl::StrCat(kClassPrefix, object.class_name()));
}

}  // namespace

void register_parametrization(const Layer& module, std::string_view name, const Layer& parametrization,
                              RegisterOptions options) {
  state_of(parametrization);
  parametrization.train(module.is_training());
  ParametrizationList* list = parametrization_of(builtin(module), name);
  if (!list) return register_first(module, name, parametrization, options.unsafe);
  if (!options.unsafe) {
    NoGradGuard no_grad;
    const Tensor before = list->value();
    expect_like(module, name, before, parametrization(before));
  }
  list->append(parametrization);
}

void remove_parametrizations(const Layer& module, std::string_view name, bool leave_parametrized) {
  BuiltinModule& object = builtin(module);
  LayerState& state = state_of(module);
  ParametrizationList* list = parametrization_of(object, name);
  if (!list || (!leave_parametrized && !list->has_one_original())) {
    throw Error({.where = module.name(),
                 .expected = list ? "leave_parametrized, for there are several originals" : "a parametrized tensor",
                 .received = absl::StrCat("\"", std::string(name), "\""),
                 .hint = {}});
  }
  Tensor value;
  if (leave_parametrized) {
    NoGradGuard no_grad;
    value = list->value();
  }
  if (list->has_one_original()) {
    const Variable original = list->original();
    if (value.defined()) original.cell()->bind(value);
    state.set_weight(name, original);
  } else {
    add_named_weight(object, name, value, list->is_buffer(), list->requires_grad());
  }
  LayerState& dict = state_of(*dict_of(state));
  std::erase_if(dict.sublayers, [&](const auto& item) { return item.first == name; });
  if (!dict.sublayers.empty()) return;
  std::erase_if(state.sublayers, [](const auto& item) { return item.first == kChild; });
  object.set_class_name(object.class_name().substr(std::string_view(kClassPrefix).size()));
}

bool is_parametrized(const Layer& module, std::string_view name) {
  LayerState& state = state_of(module);
  return name.empty() ? dict_of(state) != nullptr : parametrization_of(*module.impl(), name) != nullptr;
}

Tensor parametrized(const Layer& module, std::string_view name) {
  Tensor value = builtin(module).weight(name);
  if (value.defined()) return value;
  throw Error({.where = module.name(),
               .expected = "the name of one of its parameters or buffers",
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}

}  // namespace nn::utils::parametrize
}  // namespace mica
