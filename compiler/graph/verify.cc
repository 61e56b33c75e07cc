// Structural rules of a graph, and each record's own through its inference.
#include <tuple>
#include <unordered_set>

#include "absl/container/flat_hash_set.h"
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

// The uses that values list: one look at each, however many a value has.
class ListedUses {
 public:
  explicit ListedUses(const Graph& graph) {
    for (const auto& node : graph.nodes()) {
      for (int i = 0; i < node->num_results(); ++i) {
        for (const Use& use : node->uses(i)) listed_.emplace(use.user, use.operand, node.get(), i);
      }
    }
  }
  bool has(const Node& user, int operand) const {
    const Value value = user.operand(operand);
    return listed_.contains({&user, operand, value.node, value.index});
  }

 private:
  absl::flat_hash_set<std::tuple<const Node*, int, const Node*, int>> listed_;
};

}  // namespace

absl::Status verify(const Graph& graph) {
  const ListedUses uses(graph);
  absl::flat_hash_set<const Node*> seen;
  for (const auto& node : graph.nodes()) {
    if (&node->graph() != &graph) return fail(graph, node.get(), "the node belongs to another graph");
    for (int i = 0; i < node->num_operands(); ++i) {
      Value operand = node->operand(i);
      if (!operand || !seen.contains(operand.node))
        return fail(graph, node.get(), absl::StrCat("operand ", i, " does not stand before its user"));
      if (operand.index >= operand.node->num_results())
        return fail(graph, node.get(), absl::StrCat("operand ", i, " is a result that does not exist"));
      if (!uses.has(*node, i)) return fail(graph, node.get(), absl::StrCat("operand ", i, " does not list its use"));
    }
    if (absl::Status status = verify_types(graph, *node); !status.ok()) return status;
    for (const auto& body : node->bodies()) {
      if (absl::Status status = verify(*body); !status.ok()) return status;
    }
    seen.insert(node.get());
  }
  std::unordered_set<std::string> names;
  std::unordered_set<const Node*> updated;
  for (const Output& output : graph.outputs()) {
    if (!output.value || !seen.count(output.value.node))
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
