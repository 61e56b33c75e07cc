#include "frontend/graph/model_graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/operation.h"
#include "frontend/layers/input.h"

namespace mica::internal {
namespace {

using Operation = const void*;  // a layer, or the Call of an operation
Operation operation_of(const Call& call) {
  return call.layer ? static_cast<Operation>(call.layer.get()) : static_cast<Operation>(&call);
}

// Finds the calls between inputs and outputs and orders them.
class Walk {
 public:
  Walk(std::string_view model, const ModelGraph& graph) : model_(model), graph_(graph) {
    for (const ValueRef& input : graph.inputs) inputs_.insert(input.get());
    for (const ValueRef& output : graph.outputs) visit(output);
    measure_depths();
  }

  // Calls by decreasing depth; a layer's depth is that of its deepest call.
  std::vector<CallRef> calls() const {
    std::vector<CallRef> ordered = finished_;
    std::stable_sort(ordered.begin(), ordered.end(), [&](const CallRef& a, const CallRef& b) {
      int depth_a = call_depth_.at(a.get()), depth_b = call_depth_.at(b.get());
      if (depth_a != depth_b) return depth_a > depth_b;
      return first_visit_.at(operation_of(*a)) < first_visit_.at(operation_of(*b));
    });
    return ordered;
  }
  int depth_of(Operation operation) const {
    auto it = depth_.find(operation);
    return it == depth_.end() ? 0 : it->second;
  }
  int visit_of(Operation operation) const {
    auto it = first_visit_.find(operation);
    return it == first_visit_.end() ? -1 : it->second;
  }

 private:
  // Depth first, operands in order, without recursion: models may be long chains.
  void visit(const ValueRef& output) {
    struct Frame {
      CallRef call;
      std::size_t next;
    };
    std::vector<Frame> stack;
    enter(output, stack);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.call->inputs.size()) {
        ValueRef input = top.call->inputs[top.next++];
        enter(input, stack);
      } else {
        finished_.push_back(top.call);
        stack.pop_back();
      }
    }
  }

  template <class Stack>
  void enter(const ValueRef& value, Stack& stack) {
    if (value->kind != ValueKind::kSymbolic) return;
    const CallRef& call = value->producer;
    if (inputs_.count(value.get())) {
      first_visit_.try_emplace(operation_of(*call), static_cast<int>(first_visit_.size()));
      return;
    }
    if (call->inputs.empty()) throw_disconnected(*value);
    if (!entered_.insert(call.get()).second) return;
    first_visit_.try_emplace(operation_of(*call), static_cast<int>(first_visit_.size()));
    stack.push_back({call, 0});
  }

  void measure_depths() {
    for (auto it = finished_.rbegin(); it != finished_.rend(); ++it) {
      const Call& call = **it;
      int& of_call = call_depth_[&call];
      int& of_operation = depth_[operation_of(call)];
      of_call = of_operation = std::max(of_call, of_operation);
      for (const ValueRef& input : call.inputs) {
        if (input->kind != ValueKind::kSymbolic) continue;
        int depth = of_call + 1;
        bool boundary = inputs_.count(input.get()) != 0;
        int& of_input = boundary ? depth_[operation_of(*input->producer)] : call_depth_[input->producer.get()];
        of_input = std::max(of_input, depth);
      }
    }
  }

  [[noreturn]] void throw_disconnected(const ValueNode& input) {
    std::vector<std::string> outputs;
    for (const ValueRef& output : graph_.outputs) outputs.push_back(output->name);
    throw Error({.where = std::string(model_),
                 .expected = absl::StrCat("outputs that depend on its inputs only (", join(graph_.input_names), ")"),
                 .received = absl::StrCat(join(outputs), ", which needs the Input \"", input.name, "\""),
                 .hint = absl::StrCat("Add \"", input.name, "\" to the inputs.")});
  }

  std::string_view model_;
  const ModelGraph& graph_;
  std::unordered_set<const ValueNode*> inputs_;
  std::unordered_set<const Call*> entered_;
  std::vector<CallRef> finished_;
  std::unordered_map<Operation, int> first_visit_, depth_;
  std::unordered_map<const Call*, int> call_depth_;
};

ValueRef symbolic_node(const Tensor& tensor, std::string_view model, std::string_view role) {
  const ValueRef& node = defined_node(tensor, model);
  if (node->kind == ValueKind::kSymbolic) return node;
  throw Error(
      {.where = std::string(model),
       .expected = absl::StrCat("symbolic ", std::string(role), ", results of Input and of layers called on them"),
       .received = absl::StrCat("a concrete tensor, ", describe(node->type)),
       .hint = "Start with Input({…})."});
}

bool is_input_layer(const ValueNode& node) { return node.producer->inputs.empty(); }

Config::Value structure_of(const Inputs& tensors) {
  if (tensors.form() == Inputs::Form::kOne) return 0;
  std::vector<Config::Value> list;
  Config object;
  for (const auto& [name, tensor] : tensors.items()) {
    auto number = static_cast<std::int64_t>(list.size());
    object.set(name, number);
    list.emplace_back(number);
  }
  return tensors.form() == Inputs::Form::kNamed ? Config::Value(object) : Config::Value(list);
}

void take_inputs(ModelGraph& graph, std::string_view model, const Inputs& inputs) {
  std::set<const ValueNode*> seen;
  for (const auto& [name, tensor] : inputs.items()) {
    ValueRef node = symbolic_node(tensor, model, "inputs");
    if (!seen.insert(node.get()).second) {
      throw Error({.where = std::string(model),
                   .expected = "each input once",
                   .received = absl::StrCat("\"", node->name, "\" twice"),
                   .hint = {}});
    }
    graph.input_names.push_back(name.empty() ? node->name : name);
    graph.inputs.push_back(std::move(node));
  }
}

void take_outputs(ModelGraph& graph, std::string_view model, const Inputs& outputs) {
  for (const auto& [name, tensor] : outputs.items()) {
    ValueRef node = symbolic_node(tensor, model, "outputs");
    graph.output_names.push_back(name.empty() ? name_of_producer(*node->producer) : name);
    graph.outputs.push_back(std::move(node));
  }
}

// A layer's calls in this model are numbered in the order in which they were made, whatever their depth.
void number_steps(ModelGraph& graph) {
  std::unordered_set<const Call*> inside;
  for (const CallRef& call : graph.calls) inside.insert(call.get());
  auto index_of = [&](const Call& call) {
    int index = 0;
    for (const std::weak_ptr<Call>& other : state_of(*call.layer).calls) {
      CallRef living = other.lock();
      if (living.get() == &call) break;
      index += inside.contains(living.get());
    }
    return index;
  };
  for (const CallRef& call : graph.calls) {
    int index = call->layer ? index_of(*call) : 0;
    std::string name = name_of_producer(*call);
    graph.steps.push_back(index == 0 ? name : absl::StrCat(name, ":", index));
  }
}

// Layers, the inputs' own included, and operations by depth and first visit; an inner tensor used as input gets a layer
// of its own.
void make_table(ModelGraph& graph, const Walk& walk) {
  struct Entry {
    ModelStep step;
    int depth, visit;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const ValueNode& input = *graph.inputs[i];
    Operation operation = operation_of(*input.producer);
    Layer layer = is_input_layer(input) ? Layer::of(input.producer->layer)
                                        : make_input_layer(input.type, absl::StrCat(graph.input_names[i], "_input"));
    entries.push_back({{layer, {}}, walk.depth_of(operation), walk.visit_of(operation)});
  }
  std::unordered_map<Operation, std::size_t> rows;
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    const Call& call = *graph.calls[i];
    Operation operation = operation_of(call);
    auto [it, is_new] = rows.try_emplace(operation, entries.size());
    if (is_new) {
      Layer layer = call.layer ? Layer::of(call.layer) : Layer();
      entries.push_back({{layer, {}}, walk.depth_of(operation), walk.visit_of(operation)});
    }
    entries[it->second].step.calls.push_back(i);
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.depth != b.depth ? a.depth > b.depth : a.visit < b.visit;
  });
  for (Entry& entry : entries) {
    if (entry.step.layer) graph.layers.push_back(entry.step.layer);
    graph.table.push_back(std::move(entry.step));
  }
}

void check_names(const ModelGraph& graph, std::string_view model) {
  std::set<std::string> names;
  for (const Layer& layer : graph.layers) {
    if (names.insert(layer.name()).second) continue;
    throw Error({.where = std::string(model),
                 .expected = "layers of different names",
                 .received = absl::StrCat("two layers named \"", layer.name(), "\""),
                 .hint = "Name one of them otherwise; calling one layer twice shares its weights."});
  }
}

}  // namespace

std::string class_of(const Call& call) {
  if (call.layer) return call.layer->class_name();
  return call.operation ? std::string(call.operation->def->class_name) : camel_case(call.op->name);
}

std::string name_of_producer(const Call& call) { return call.layer ? state_of(*call.layer).name : call.name; }

std::string value_key(const ModelGraph& graph, const ValueNode& value) {
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    if (graph.inputs[i].get() == &value) return graph.input_names[i];
  }
  auto call = std::find(graph.calls.begin(), graph.calls.end(), value.producer);
  if (!value.producer || call == graph.calls.end()) return describe(value.type);
  const std::string& step = graph.steps[static_cast<std::size_t>(call - graph.calls.begin())];
  return value.producer->result_types.size() == 1 ? step : absl::StrCat(step, "#", value.result);
}

ModelGraph make_model_graph(std::string_view model, const Inputs& inputs, const Inputs& outputs) {
  for (bool empty : {inputs.empty(), outputs.empty()}) {
    if (!empty) continue;
    throw Error({.where = std::string(model),
                 .expected = "at least one input and one output",
                 .received = inputs.empty() ? "no inputs" : "no outputs",
                 .hint = {}});
  }
  ModelGraph graph;
  graph.input_structure = structure_of(inputs);
  graph.output_structure = structure_of(outputs);
  take_inputs(graph, model, inputs);
  take_outputs(graph, model, outputs);
  Walk walk(model, graph);
  graph.calls = walk.calls();
  number_steps(graph);
  make_table(graph, walk);
  check_names(graph, model);
  return graph;
}

}  // namespace mica::internal
