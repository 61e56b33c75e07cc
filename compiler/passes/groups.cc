#include "compiler/passes/groups.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/row_space.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

constexpr std::size_t kNameLength = 48;

std::vector<std::unique_ptr<Graph>> clone_bodies(const Node& node) {
  std::vector<std::unique_ptr<Graph>> bodies;
  for (const auto& body : node.bodies()) bodies.push_back(body->clone());
  return bodies;
}

// The layer of a group is that of its last node that has one: a dense layer with its activation is the activation's.
// What computes a part of a gradient along with the forward pass belongs to the forward pass.
std::string group_loc(const std::vector<Node*>& nodes) {
  std::string found;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const std::string& loc = (*node)->loc();
    if (!loc.empty() && role_of(loc) == Role::kForward) return loc;
    if (found.empty()) found = loc;
  }
  return found;
}

// Copies the nodes into a body and remembers which outer values became its inputs.
class BodyBuilder {
 public:
  BodyBuilder(const Graph& graph, const std::vector<Node*>& nodes, const std::string& name)
      : nodes_(nodes), body_(std::make_unique<Graph>(name)) {
    members_.insert(nodes.begin(), nodes.end());
    find_outputs(graph);
    find_results();
    take_updated_variables();
    for (Node* node : nodes) copy(*node);
    for (const Value& result : results_) {
      body_->add_output(Value{copies_.at(result.node), result.index}, absl::StrCat(body_->outputs().size()));
    }
  }

  // Values used outside, in order of definition; also the outputs of the body.
  const Values& results() const { return results_; }
  const Values& operands() const { return operands_; }
  std::unique_ptr<Graph> take() { return std::move(body_); }

 private:
  void find_outputs(const Graph& graph) {
    for (const Output& output : graph.outputs()) {
      if (members_.count(output.value.node)) outputs_.push_back(&output);
    }
  }

  void find_results() {
    for (Node* node : nodes_) {
      // A constant beside others is a copy: its other users have their own.
      if (is_free(*node) && nodes_.size() > 1) continue;
      for (int i = 0; i < node->num_results(); ++i) {
        if (used_outside(node->result(i))) results_.push_back(node->result(i));
      }
    }
  }

  // The variables that the results update come first, in that order: a kernel gives results the storage of its first
  // operands that fit.
  void take_updated_variables() {
    std::unordered_set<const Node*> read;
    for (const Node* node : nodes_) {
      for (const Value& operand : node->operands()) read.insert(operand.node);
    }
    for (const Value& result : results_) {
      for (const Output* output : outputs_) {
        if (output->target && output->value == result && read.count(output->target)) input(output->target->result());
      }
    }
  }

  void copy(Node& node) {
    Values operands;
    for (const Value& operand : node.operands()) {
      operands.push_back(members_.count(operand.node) ? Value{copies_.at(operand.node), operand.index}
                                                      : input(operand));
    }
    body_->set_loc(node.loc());
    copies_[&node] = body_->add(node.op(), std::move(operands), node.attrs(), clone_bodies(node));
  }

  Value input(Value outer) {
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (operands_[i] == outer) return body_->inputs()[i]->result();
    }
    operands_.push_back(outer);
    return body_->input(outer.type(), absl::StrCat("p", operands_.size() - 1));
  }

  bool used_outside(Value value) const {
    const std::vector<Use>& uses = value.node->uses(value.index);
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !members_.count(use.user); }) ||
           std::any_of(outputs_.begin(), outputs_.end(), [&](const Output* output) { return output->value == value; });
  }

  const std::vector<Node*>& nodes_;
  std::unique_ptr<Graph> body_;
  std::unordered_set<const Node*> members_;
  std::unordered_map<const Node*, Node*> copies_;
  std::vector<const Output*> outputs_;  // of the graph that the nodes compute
  Values operands_, results_;
};

}  // namespace

bool is_graph_operand(const Node& node) { return node.is("input") || node.is("variable"); }
bool is_group(const Node& node) { return node.is("fusion"); }
bool is_library_group(const Node& node) { return is_group(node) && !node.attrs().text("library").empty(); }
bool is_loop(const Node& node) { return node.is("loop"); }
bool is_view(const Node& node) { return node.is("reshape") || node.is("barrier"); }

absl::Status for_each_block(Graph& graph, const std::function<absl::Status(Graph&)>& f) {
  for (const auto& node : graph.nodes()) {
    if (!is_loop(*node)) continue;
    if (absl::Status status = for_each_block(node->body(), f); !status.ok()) return status;
  }
  return f(graph);
}

Node* outline(Graph& graph, const std::vector<Node*>& nodes, const OpDef& op, Attrs attrs, const std::string& name) {
  BodyBuilder body(graph, nodes, name);
  const Values results = body.results();
  if (results.empty()) return nullptr;
  std::vector<std::unique_ptr<Graph>> bodies;
  Values operands = body.operands();
  bodies.push_back(body.take());
  graph.set_loc(group_loc(nodes));
  Node* whole = graph.add(op, std::move(operands), std::move(attrs), std::move(bodies));
  for (std::size_t i = 0; i < results.size(); ++i)
    graph.replace_all_uses(results[i], whole->result(static_cast<int>(i)));
  return whole;
}

Node* make_group(Graph& graph, const GroupSpec& spec) {
  Attrs attrs{{"name", spec.name}, {"library", spec.library}, {"split_by_tap", spec.split_by_tap}};
  Node* group = outline(graph, spec.nodes, op("fusion"), std::move(attrs), spec.name);
  MICA_CHECK(group) << "group " << spec.name << " computes nothing that is used";
  return group;
}

std::string group_name(const std::vector<Node*>& nodes) {
  std::string name, last;
  int repeats = 0;
  auto flush = [&] {
    if (last.empty()) return;
    absl::StrAppend(&name, name.empty() ? "" : "_", last, repeats > 1 ? absl::StrCat(repeats) : "");
  };
  for (const Node* node : nodes) {
    if (node->is("constant") || is_view(*node) || node->is("broadcast_to")) continue;
    if (node->op().name == last) {
      ++repeats;
      continue;
    }
    flush();
    last = node->op().name;
    repeats = 1;
    if (name.size() > kNameLength) return absl::StrCat(name, "_etc");
  }
  flush();
  if (name.empty()) return nodes.front()->is("constant") && nodes.size() == 1 ? "fill" : "copy";
  return name;
}

}  // namespace mica::ir
