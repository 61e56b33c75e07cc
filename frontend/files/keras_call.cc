#include "frontend/files/keras_call.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/keras_object.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/layers/fields.h"

namespace mica::files {
namespace {

using internal::Argument;
using internal::CallArguments;
using internal::FieldValue;
using Kind = Config::Value::Kind;
using Value = Config::Value;

[[noreturn]] void throw_argument(std::string_view where, std::string_view expected, const Value& value) {
  throw Error({.where = std::string(where),
               .expected = std::string(expected),
               .received = value.to_json().substr(0, 80),
               .hint = {}});
}

// The class of a special value such as {"class_name": "__slice__", "config": {…}}; empty for other objects.
std::string special_class(const Value& value) {
  if (value.kind() != Kind::kObject) return {};
  std::optional<Described> described = internal::described_by(value);
  return described && value.object().contains("config") ? described->class_name : std::string();
}

std::optional<TensorName> history_of(const Value& value, std::string_view where) {
  if (special_class(value) != "__keras_tensor__") return std::nullopt;
  const Config& config = object_at(value.object(), "config", where);
  std::optional<TensorName> name;
  if (config.contains("keras_history")) name = tensor_name(config.at("keras_history"));
  if (!name) throw_argument(where, "a keras_history of a layer, a node and a tensor", value);
  return name;
}

void collect(const Value& value, std::string_view where, std::vector<TensorName>& names) {
  if (std::optional<TensorName> name = history_of(value, where)) {
    names.push_back(*std::move(name));
  } else if (value.kind() == Kind::kList) {
    for (const Value& item : value.list()) collect(item, where, names);
  } else if (value.kind() == Kind::kObject) {
    for (const auto& [key, item] : value.object().items()) collect(item, where, names);
  }
}

// A node as positional and keyword arguments. Files of Keras 2 hold [["source", node, tensor, {kwargs}], …].
struct NodeArguments {
  std::vector<Value> positional;
  Config keywords;
};

Value keras_tensor(const TensorName& name) {
  std::vector<Value> history{name.layer, name.node, name.tensor};
  return Config{{"class_name", "__keras_tensor__"}, {"config", Config{{"keras_history", history}}}};
}

NodeArguments legacy_arguments(const std::vector<Value>& sources, std::string_view where) {
  NodeArguments arguments;
  std::vector<Value> tensors;
  for (const Value& source : sources) {
    bool is_list = source.kind() == Kind::kList && source.list().size() >= 3;
    std::optional<TensorName> name;
    if (is_list) name = tensor_name(std::vector<Value>(source.list().begin(), source.list().begin() + 3));
    if (!name) throw_argument(where, "sources of a call, each a layer, a node and a tensor", source);
    tensors.push_back(keras_tensor(*name));
    if (source.list().size() > 3 && source.list()[3].kind() == Kind::kObject) {
      arguments.keywords = source.list()[3].object();
    }
  }
  if (tensors.size() == 1) {
    arguments.positional = tensors;
  } else {
    arguments.positional.emplace_back(tensors);
  }
  return arguments;
}

NodeArguments arguments_of(const Value& node, std::string_view where) {
  if (node.kind() == Kind::kList) return legacy_arguments(node.list(), where);
  if (node.kind() != Kind::kObject) throw_argument(where, "a call, {\"args\": […], \"kwargs\": {…}}", node);
  NodeArguments arguments;
  arguments.positional = list_at(node.object(), "args", where);
  if (node.object().contains("kwargs")) arguments.keywords = object_at(node.object(), "kwargs", where);
  return arguments;
}

Slice slice_of(const Config& config, std::string_view where) {
  auto bound = [&](const char* key) {
    std::optional<std::optional<std::int64_t>> value;
    if (config.contains(key)) value = FieldValue<std::optional<std::int64_t>>::read(config.at(key));
    if (!value) throw_argument(where, "slices of integers", config);
    return *value;
  };
  return Slice(bound("start"), bound("stop"), bound("step"));
}

Argument argument_of(const Value& value, std::string_view where, const FindTensor& find) {
  if (std::optional<TensorName> name = history_of(value, where)) return find(*name);
  switch (value.kind()) {
    case Kind::kNull:
      return {};
    case Kind::kTruth:
      return value.integer() != 0;
    case Kind::kInteger:
      return value.integer();
    case Kind::kReal:
      return value.number();
    case Kind::kText:
      return value.text();
    case Kind::kList: {
      Argument::List list;
      for (const Value& item : value.list()) list.push_back(argument_of(item, where, find));
      return list;
    }
    case Kind::kObject:
      break;
  }
  const std::string class_name = special_class(value);
  if (class_name == "__ellipsis__") return kEllipsis;
  if (class_name == "__slice__") return slice_of(object_at(value.object(), "config", where), where);
  if (std::optional<Tensor> array = FieldValue<Tensor>::read(value)) return *array;
  throw_argument(where, "an argument that Mica knows", value);
}

// A tensor, or a number or an array in its place.
Tensor one_tensor(const Value& value, std::string_view where, const FindTensor& find) {
  if (std::optional<TensorName> name = history_of(value, where)) return find(*name);
  if (value.is_null()) return {};
  std::optional<Tensor> array = FieldValue<Tensor>::read(value);
  if (!array) throw_argument(where, "a tensor", value);
  return array->dtype() == kFloat64 ? array->to(kFloat32) : *array;
}

// Tensors in lists and objects of any depth, in Keras' order: objects by key.
void flatten(const Value& value, std::string_view where, const FindTensor& find, Tensors& tensors) {
  bool is_object = value.kind() == Kind::kObject && special_class(value).empty();
  if (value.kind() == Kind::kList) {
    for (const Value& item : value.list()) flatten(item, where, find, tensors);
  } else if (is_object) {
    std::vector<std::pair<std::string, Value>> items = value.object().items();
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [key, item] : items) flatten(item, where, find, tensors);
  } else if (!value.is_null()) {
    tensors.push_back(one_tensor(value, where, find));
  }
}

Tensors flattened(const Value& value, std::string_view where, const FindTensor& find) {
  Tensors tensors;
  flatten(value, where, find, tensors);
  return tensors;
}

// Masks by place: null where a tensor has none.
Tensors masks_of(const Value& value, std::string_view where, const FindTensor& find) {
  if (value.kind() != Kind::kList) return {one_tensor(value, where, find)};
  Tensors masks;
  for (const Value& item : value.list()) masks.push_back(one_tensor(item, where, find));
  return masks;
}

bool holds_tensor(const Value& value, std::string_view where) {
  std::vector<TensorName> names;
  collect(value, where, names);
  return !names.empty();
}

class LayerCall {
 public:
  LayerCall(const Layer& layer, const FindTensor& find)
      : layer_(layer), state_(internal::state_of(layer)), where_(layer.name()), find_(find) {}

  CallArguments read(const NodeArguments& node) {
    for (std::size_t i = 0; i < node.positional.size(); ++i) take_positional(i, node.positional[i]);
    for (const auto& [key, value] : node.keywords.items()) take_keyword(key, value);
    return std::move(arguments_);
  }

 private:
  void take_positional(std::size_t i, const Value& value) {
    if (value.is_null()) return;
    if (i < state_.arguments.size()) {
      take_named(i, value);
    } else if (i == 0) {
      take_inputs(value);
    } else if (value.kind() == Kind::kTruth) {
      arguments_.training = value.integer() != 0;
    } else if (value.kind() == Kind::kList) {
      arguments_.states = flattened(value, where_, find_);
    } else {
      arguments_.masks = masks_of(value, where_, find_);
    }
  }

  // A model's inputs may come by name.
  void take_inputs(const Value& value) {
    bool by_name = value.kind() == Kind::kObject && special_class(value).empty();
    if (!by_name || !state_.model) {
      arguments_.tensors = flattened(value, where_, find_);
      return;
    }
    TensorDict named;
    for (const auto& [key, item] : value.object().items()) named.set(key, one_tensor(item, where_, find_));
    arguments_.tensors = internal::ordered_inputs(*layer_.impl(), named);
  }

  void take_keyword(const std::string& key, const Value& value) {
    if (value.is_null()) return;
    auto named = std::find(state_.arguments.begin(), state_.arguments.end(), key);
    if (named != state_.arguments.end()) {
      take_named(static_cast<std::size_t>(named - state_.arguments.begin()), value);
    } else if (key == "training") {
      arguments_.training = value.integer() != 0;
    } else if (key == "mask") {
      arguments_.masks = masks_of(value, where_, find_);
    } else if (key == "initial_state") {
      arguments_.states = flattened(value, where_, find_);
    } else if (arguments_.tensors.empty() && holds_tensor(value, where_)) {
      take_inputs(value);  // Dense()(inputs=x)
    } else if (holds_tensor(value, where_)) {
      arguments_.keywords.emplace_back(key, one_tensor(value, where_, find_));
    } else {
      take_option(key, value);
    }
  }

  void take_named(std::size_t place, const Value& value) {
    if (arguments_.tensors.size() <= place) arguments_.tensors.resize(place + 1);
    arguments_.tensors[place] = one_tensor(value, where_, find_);
  }

  void take_option(const std::string& key, const Value& value) {
    if (value.kind() == Kind::kTruth) {
      arguments_.options.set(key, value.integer() != 0);
    } else if (value.kind() == Kind::kInteger) {
      arguments_.options.set(key, value.integer());
    } else if (value.kind() == Kind::kReal) {
      arguments_.options.set(key, value.number());
    } else if (value.kind() == Kind::kText) {
      arguments_.options.set(key, value.text());
    } else {
      throw_argument(where_, absl::StrCat(key, " to be a tensor or a plain value"), value);
    }
  }

  const Layer& layer_;
  const internal::LayerState& state_;
  std::string where_;
  const FindTensor& find_;
  CallArguments arguments_;
};

}  // namespace

std::optional<TensorName> tensor_name(const Config::Value& value) {
  if (value.kind() != Kind::kList || value.list().size() != 3) return std::nullopt;
  const std::vector<Value>& items = value.list();
  bool is_name =
      items[0].kind() == Kind::kText && items[1].kind() == Kind::kInteger && items[2].kind() == Kind::kInteger;
  if (!is_name) return std::nullopt;
  return TensorName{items[0].text(), items[1].integer(), items[2].integer()};
}

std::vector<TensorName> tensor_names(const Config::Value& node, std::string_view where) {
  NodeArguments arguments = arguments_of(node, where);
  std::vector<TensorName> names;
  for (const Value& value : arguments.positional) collect(value, where, names);
  for (const auto& [key, value] : arguments.keywords.items()) collect(value, where, names);
  return names;
}

Tensors call_layer(const Layer& layer, const Config::Value& node, const FindTensor& find) {
  CallArguments arguments = LayerCall(layer, find).read(arguments_of(node, layer.name()));
  if (arguments.tensors.empty()) throw_argument(layer.name(), "a tensor to be called on", node);
  return internal::invoke(layer.impl(), std::move(arguments));
}

Tensors call_operation(const internal::OperationDef& def, const std::string& name, const Config& config,
                       const Config::Value& node, const FindTensor& find) {
  internal::Arguments arguments;
  for (const auto& [key, value] : config.items()) {
    if (key != "name") arguments.set(key, argument_of(value, name, find));
  }
  NodeArguments given = arguments_of(node, name);
  std::vector<std::string_view> parameters = def.inputs;
  parameters.insert(parameters.end(), def.options.begin(), def.options.end());
  bool variadic = !def.inputs.empty() && def.inputs.back().front() == '*';
  if (variadic && given.positional.size() >= def.inputs.size()) {
    auto rest = given.positional.begin() + static_cast<std::ptrdiff_t>(def.inputs.size()) - 1;
    std::vector<Value> list(rest, given.positional.end());
    given.positional.erase(rest, given.positional.end());
    given.positional.emplace_back(std::move(list));
  }
  if (given.positional.size() > parameters.size()) {
    throw_argument(name, absl::StrCat("at most ", parameters.size(), " arguments"), node);
  }
  for (std::size_t i = 0; i < given.positional.size(); ++i) {
    arguments.set(parameters[i], argument_of(given.positional[i], name, find));
  }
  for (const auto& [key, value] : given.keywords.items()) arguments.set(key, argument_of(value, name, find));
  try {
    return internal::use_operation(def, std::move(arguments), name);
  } catch (const Error& e) {
    throw Error({.where = absl::StrCat(name, " (", e.where(), ")"),
                 .expected = e.expected(),
                 .received = e.received(),
                 .hint = e.hint()});
  }
}

}  // namespace mica::files
