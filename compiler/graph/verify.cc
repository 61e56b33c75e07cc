// Structural rules of a graph, and each record's own through its inference.
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/graph/graph.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

absl::Status fail(const Graph& graph, const Node* node, std::string_view what) {
  return absl::InternalError(
      absl::StrCat("graph @", graph.name(),
                   node ? absl::StrCat(": ", node->op().name, node->loc().empty() ? "" : " # ", node->loc()) : "", ": ",
                   std::string(what)));
}

absl::Status verify_types(const Graph& graph, const Node& node) {
  if (!node.op().infer) return absl::OkStatus();
  Types operands;
  for (const Value& operand : node.operands()) operands.push_back(operand.type());
  absl::StatusOr<Types> types = node.op().infer(InferContext{node.op(), node.attrs(), operands, node.bodies()});
  if (!types.ok()) return fail(graph, &node, std::string(types.status().message()));
  if (*types != node.result_types())
    return fail(graph, &node,
                absl::StrCat("inference gives ", types->empty() ? "nothing" : (*types)[0].to_string(),
                             ", the node says ", node.result_types()[0].to_string()));
  return absl::OkStatus();
}

bool is_of(const Graph& graph, const Node* node) {
  return node->position() < graph.nodes().size() && graph.nodes()[node->position()].get() == node;
}

// The uses that values list: one look at each, however many a value has.
class ListedUses {
 public:
  explicit ListedUses(const Graph& graph) {
    for (const auto& node : graph.nodes()) {
      first_.push_back(num_operands_);
      num_operands_ += node->operands().size();
    }
    listed_.resize(num_operands_);
    for (const auto& node : graph.nodes()) {
      for (int i = 0; i < node->num_results(); ++i) {
        for (const Use& use : node->uses(i)) {
          if (is_of(graph, use.user) && use.user->operand(use.operand) == node->result(i))
            listed_[place(*use.user, use.operand)] = true;
        }
      }
    }
  }
  bool has(const Node& user, int operand) const { return listed_[place(user, operand)]; }

 private:
  std::size_t place(const Node& user, int operand) const {
    return first_[user.position()] + static_cast<std::size_t>(operand);
  }

  std::vector<std::size_t> first_;  // of each node's operands
  std::vector<char> listed_;        // by operand
  std::size_t num_operands_ = 0;
};

}  // namespace

absl::Status verify(const Graph& graph) {
  const ListedUses uses(graph);
  for (const auto& node : graph.nodes()) {
    if (&node->graph() != &graph) return fail(graph, node.get(), "the node belongs to another graph");
    for (int i = 0; i < node->num_operands(); ++i) {
      Value operand = node->operand(i);
      if (!operand || !is_of(graph, operand.node) || operand.node->position() >= node->position())
        return fail(graph, node.get(), absl::StrCat("operand ", i, " does not stand before its user"));
      if (operand.index >= operand.node->num_results())
        return fail(graph, node.get(), absl::StrCat("operand ", i, " is a result that does not exist"));
      if (!uses.has(*node, i)) return fail(graph, node.get(), absl::StrCat("operand ", i, " does not list its use"));
    }
    if (absl::Status status = verify_types(graph, *node); !status.ok()) return status;
    for (const auto& body : node->bodies()) {
      if (absl::Status status = verify(*body); !status.ok()) return status;
    }
  }
  std::unordered_set<std::string> names;
  std::unordered_set<const Node*> updated;
  for (const Output& output : graph.outputs()) {
    if (!output.value || !is_of(graph, output.value.node))
      return fail(graph, nullptr, absl::StrCat("output \"", output.name, "\" is not of this graph"));
    if (output.target) {
      if (!updated.insert(output.target).second) return fail(graph, output.target, "a variable is updated twice");
      if (output.target->result_types()[0] != output.value.type())
        return fail(graph, output.target, "an update has another type than its variable");
    } else if (!names.insert(output.name).second) {
      return fail(graph, nullptr, absl::StrCat("two outputs are named \"", output.name, "\""));
    }
  }
  return absl::OkStatus();
}

}  // namespace mica::ir
