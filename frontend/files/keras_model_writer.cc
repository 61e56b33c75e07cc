#include "frontend/files/keras_model_writer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/files/keras_object.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/operation.h"
#include "frontend/layers/dtype_policy.h"
#include "frontend/layers/input.h"

namespace mica::files {
namespace {

using internal::Argument;
using internal::Call;
using internal::FieldValue;
using internal::ModelGraph;
using internal::ValueKind;
using internal::ValueNode;
using internal::ValueRef;
using Value = Config::Value;

Value special(const char* class_name, const Config& config) {
  return Config{{"class_name", class_name}, {"config", config}};
}

// The structure of a model's inputs or outputs with `leaf(i)` in the place of number i.
Value filled(const Value& structure, const std::function<Value(std::size_t)>& leaf) {
  if (structure.kind() == Value::Kind::kInteger) return leaf(static_cast<std::size_t>(structure.integer()));
  if (structure.kind() == Value::Kind::kList) {
    std::vector<Value> list;
    for (const Value& item : structure.list()) list.push_back(filled(item, leaf));
    return list;
  }
  Config object;
  for (const auto& [key, item] : structure.object().items()) object.set(key, filled(item, leaf));
  return object;
}

// Which call of its layer a call is: the number that ends its key, "shared:1".
std::int64_t node_of(const ModelGraph& graph, std::size_t call) {
  std::string_view key = graph.steps[call];
  const std::string name = internal::name_of_producer(*graph.calls[call]);
  return key.size() == name.size() ? 0 : std::atoll(std::string(key.substr(name.size() + 1)).c_str());
}

// Keras writes the mask of a single tensor as an argument. Masks that travel with several tensors, or that no operation
// of keras.ops made, are made again when the call is.
bool is_automatic(const Call& call, std::size_t mask_input, int tensor) {
  const ValueRef& mask = call.inputs[mask_input];
  if (mask != call.inputs[static_cast<std::size_t>(tensor)]->mask) return false;
  bool is_operation = mask->producer && mask->producer->operation;
  return call.num_tensors > 1 || !is_operation;
}

class FunctionalWriter {
 public:
  FunctionalWriter(std::string where, const ModelGraph& graph) : where_(std::move(where)), graph_(graph) {
    for (std::size_t i = 0; i < graph.calls.size(); ++i) nodes_[graph.calls[i].get()] = node_of(graph, i);
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) inputs_[key_of(*graph.inputs[i])] = input_layer(i);
    find_needed();
  }

  std::vector<Value> layers() const {
    std::vector<Value> layers;
    for (const internal::ModelStep& step : graph_.table) {
      if (!step.calls.empty() && !needed_.count(graph_.calls[step.calls[0]].get())) continue;
      layers.push_back(entry(step));
    }
    return layers;
  }

  Value inputs() const {
    return filled(graph_.input_structure, [&](std::size_t i) -> Value {
      return std::vector<Value>{inputs_.at(key_of(*graph_.inputs[i])), 0, 0};
    });
  }
  // Here, and nowhere else, a nested functional model counts a call that it made of itself.
  Value outputs() const {
    return filled(graph_.output_structure, [&](std::size_t i) -> Value {
      const ValueNode& output = *graph_.outputs[i];
      bool is_model = !inputs_.count(key_of(output)) &&
                      dynamic_cast<const internal::FunctionalModel*>(output.producer->layer.get()) != nullptr;
      return history(output, is_model ? 1 : 0);
    });
  }

 private:
  using Key = std::pair<const Call*, int>;
  static Key key_of(const ValueNode& value) { return {value.producer.get(), value.result}; }

  std::string input_layer(std::size_t i) const {
    const CustomLayer* layer = graph_.inputs[i]->producer->layer.get();
    if (dynamic_cast<const internal::InputLayer*>(layer)) return internal::state_of(*layer).name;
    return absl::StrCat(graph_.input_names[i], "_input");
  }

  // The calls that outputs depend on otherwise than through automatic masks.
  void find_needed() {
    std::vector<ValueRef> stack = graph_.outputs;
    while (!stack.empty()) {
      ValueRef value = std::move(stack.back());
      stack.pop_back();
      if (value->kind != ValueKind::kSymbolic || inputs_.count(key_of(*value))) continue;
      const Call& call = *value->producer;
      if (!needed_.insert(&call).second) continue;
      const auto first_mask = static_cast<std::size_t>(call.num_tensors + call.num_states);
      for (std::size_t i = 0; i < call.inputs.size(); ++i) {
        bool is_mask = call.layer && i >= first_mask && i < first_mask + call.masked.size();
        if (is_mask && is_automatic(call, i, call.masked[i - first_mask])) continue;
        stack.push_back(call.inputs[i]);
      }
    }
  }

  Value entry(const internal::ModelStep& step) const {
    Config object = step.layer ? layer_object(step.layer) : operation_object(*graph_.calls[step.calls[0]]);
    object.set("name", step.layer ? step.layer.name() : graph_.calls[step.calls[0]]->name);
    std::vector<Value> nodes(step.calls.size());
    for (std::size_t i : step.calls) {
      const Call& call = *graph_.calls[i];
      nodes[static_cast<std::size_t>(nodes_.at(&call))] = step.layer ? layer_node(call) : operation_node(call);
    }
    object.set("inbound_nodes", std::move(nodes));
    return object;
  }

  Value history(const ValueNode& value, int offset = 0) const {
    auto input = inputs_.find(key_of(value));
    if (input != inputs_.end()) return std::vector<Value>{input->second, 0, 0};
    return std::vector<Value>{internal::name_of_producer(*value.producer), nodes_.at(value.producer.get()) + offset,
                              value.result};
  }

  Value operand(const ValueRef& value) const {
    if (value->kind == ValueKind::kSymbolic) {
      return special(
          "__keras_tensor__",
          {{"shape", value->shape}, {"dtype", value->type.dtype.name()}, {"keras_history", history(*value)}});
    }
    if (value->literal) return value->number;
    if (value->kind == ValueKind::kVariable) {
      throw Error({.where = where_,
                   .expected = "Variables inside of layers",
                   .received = absl::StrCat("\"", value->cell->path, "\" in the graph of the model"),
                   .hint = "A file keeps what layers own; use the Variable in the call of a layer of one's own."});
    }
    // NumPy has no bfloat16, and Keras makes plain numbers of its scalars.
    bool is_numpy = !value->type.dims.empty() && value->type.dtype != kBFloat16;
    return special(is_numpy ? "__numpy__" : "__tensor__",
                   {{"value", FieldValue<Tensor>::write(Tensor::of(value))}, {"dtype", value->type.dtype.name()}});
  }

  std::vector<Value> operands(const Call& call, std::size_t first, int count) const {
    std::vector<Value> values;
    for (int i = 0; i < count; ++i) values.push_back(operand(call.inputs[first + static_cast<std::size_t>(i)]));
    return values;
  }

  Value layer_node(const Call& call) const {
    std::vector<Value> tensors = operands(call, 0, call.num_tensors);
    const internal::LayerState& state = internal::state_of(*call.layer);
    std::vector<Value> args;
    if (!state.arguments.empty()) {
      args = std::move(tensors);
    } else if (state.model && state.model->graph) {
      args.push_back(filled(state.model->graph->input_structure, [&](std::size_t i) { return tensors[i]; }));
    } else if (tensors.size() == 1) {
      args = std::move(tensors);
    } else {
      args.emplace_back(std::move(tensors));
    }
    return Config{{"args", std::move(args)}, {"kwargs", layer_keywords(call)}};
  }

  Config layer_keywords(const Call& call) const {
    Config keywords;
    auto at = static_cast<std::size_t>(call.num_tensors);
    if (call.num_states > 0) {
      std::vector<Value> states = operands(call, at, call.num_states);
      keywords.set("initial_state", states.size() == 1 ? states[0] : Value(states));
    }
    at += static_cast<std::size_t>(call.num_states);
    std::vector<Value> masks(static_cast<std::size_t>(call.num_tensors));
    bool given = false;
    for (int tensor : call.masked) {
      if (!is_automatic(call, at, tensor)) {
        masks[static_cast<std::size_t>(tensor)] = operand(call.inputs[at]);
        given = true;
      }
      ++at;
    }
    if (given) keywords.set("mask", masks.size() == 1 ? masks[0] : Value(masks));
    for (const std::string& name : call.keywords) keywords.set(name, operand(call.inputs[at++]));
    for (const auto& [name, value] : call.attrs.items()) {
      if (const auto* truth = std::get_if<bool>(&value)) keywords.set(name, *truth);
    }
    if (call.training) keywords.set("training", *call.training);
    return keywords;
  }

  internal::OperationUse use_of(const Call& call) const {
    if (call.operation) return *call.operation;
    if (std::optional<internal::OperationUse> equivalent = internal::keras_equivalent(call)) return *equivalent;
    throw Error({.where = where_,
                 .expected = "operations that keras.ops has",
                 .received = absl::StrCat("\"", call.name, "\", a ", call.op->name),
                 .hint = "Use it in the call of a layer of one's own, or a function of ops::."});
  }

  Config operation_object(const Call& call) const {
    const internal::OperationUse use = use_of(call);
    const internal::OperationDef& def = *use.def;
    Config config{{"name", call.name}};
    std::size_t next_tensor = 0;
    for (const auto& [name, argument] : use.arguments.items()) {
      Value value = argument_value(call, argument, next_tensor);
      if (is_one_of(name, def.options)) config.set(name, std::move(value));
    }
    std::string class_name(def.class_name);
    return {{"module", absl::StrCat("keras.src.ops.", std::string(def.module))},
            {"class_name", class_name},
            {"config", config},
            {"registered_name", class_name}};
  }

  static bool is_one_of(std::string_view name, const std::vector<std::string_view>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  Value operation_node(const Call& call) const {
    const internal::OperationUse use = use_of(call);
    Config given;
    std::size_t next_tensor = 0;
    for (const auto& [name, argument] : use.arguments.items()) {
      given.set(name, argument_value(call, argument, next_tensor));
    }
    std::vector<Value> args;
    for (std::string_view name : use.def->inputs) {
      if (!given.contains(name)) {
        args.emplace_back();
      } else if (name.front() == '*') {
        for (const Value& item : given.at(name).list()) args.push_back(item);
      } else {
        args.push_back(given.at(name));
      }
    }
    while (!args.empty() && args.back().is_null()) args.pop_back();
    return Config{{"args", std::move(args)}, {"kwargs", Config()}};
  }

  // The arguments keep the places of tensors; the call has the tensors, in order.
  Value argument_value(const Call& call, const Argument& argument, std::size_t& next_tensor) const {
    if (argument.get_if<Tensor>()) return operand(call.inputs[next_tensor++]);
    if (const auto* truth = argument.get_if<bool>()) return *truth;
    if (const auto* integer = argument.get_if<std::int64_t>()) return *integer;
    if (const auto* number = argument.get_if<double>()) return *number;
    if (const auto* text = argument.get_if<std::string>()) return *text;
    if (const auto* dtype = argument.get_if<DType>()) return dtype->name();
    if (argument.get_if<EllipsisType>()) return special("__ellipsis__", {});
    if (const auto* slice = argument.get_if<Slice>()) {
      using Bound = FieldValue<std::optional<std::int64_t>>;
      return special("__slice__", {{"start", Bound::write(slice->start)},
                                   {"stop", Bound::write(slice->stop)},
                                   {"step", Bound::write(slice->step)}});
    }
    const auto* list = argument.get_if<Argument::List>();
    if (!list) return {};
    std::vector<Value> values;
    for (const Argument& item : *list) values.push_back(argument_value(call, item, next_tensor));
    return values;
  }

  std::string where_;
  const ModelGraph& graph_;
  std::map<const Call*, std::int64_t> nodes_;  // which call of its layer
  std::map<Key, std::string> inputs_;          // the layers of the model's inputs
  std::set<const Call*> needed_;
};

}  // namespace

Config functional_object(const Layer& model) {
  const internal::LayerState& state = internal::state_of(model);
  FunctionalWriter writer(state.name, *state.model->graph);
  Config config{{"name", state.name},
                {"trainable", state.trainable},
                {"layers", writer.layers()},
                {"input_layers", writer.inputs()},
                {"output_layers", writer.outputs()}};
  return {{"module", "keras.src.models.functional"},
          {"class_name", "Functional"},
          {"config", config},
          {"registered_name", "Functional"},
          {"build_config", Config{{"input_shape", {}}}}};
}

Config sequential_object(const Layer& model) {
  const internal::LayerState& state = internal::state_of(model);
  std::vector<Value> layers;
  Config config{{"name", state.name}, {"trainable", state.trainable}, {"dtype", FieldValue<DTypePolicy>::write({})}};
  if (state.model->graph) {
    const ValueNode& input = *state.model->graph->inputs[0];
    layers.emplace_back(layer_object(Layer::of(input.producer->layer)));
    config.set("build_input_shape", input.shape);
  }
  for (const Layer& layer : internal::model_layers(*model.impl())) layers.emplace_back(layer_object(layer));
  config.set("layers", std::move(layers));
  return {{"module", "keras"}, {"class_name", "Sequential"}, {"config", config}, {"registered_name", {}}};
}

}  // namespace mica::files
