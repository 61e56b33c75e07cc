#include "compiler/passes/checkpoint.h"

#include <algorithm>

#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// Whether a gradient is taken by a value of the node: it must see every use of the value, those in the region, too.
bool is_differentiated_by(const Node& node) {
  for (int i = 0; i < node.num_results(); ++i) {
    const std::vector<Use>& uses = node.uses(i);
    if (std::any_of(uses.begin(), uses.end(),
                    [](const Use& use) { return use.user->is("gradient") && use.operand > 0; }))
      return true;
  }
  return false;
}

absl::Status open_all(Graph& graph) {
  std::vector<Node*> checkpoints;
  for (const auto& node : graph.nodes()) {
    if (node->is("checkpoint")) checkpoints.push_back(node.get());
  }
  for (Node* node : checkpoints) {
    graph.set_loc(node->loc());
    const Values results = graph.inline_graph(node->body(), node->operands());
    for (int i = 0; i < node->num_results(); ++i)
      graph.replace_all_uses(node->result(i), results[static_cast<std::size_t>(i)]);
  }
  if (!checkpoints.empty()) graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

void make_checkpoint(Graph& graph, const std::vector<Node*>& nodes) {
  std::vector<Node*> inside;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(inside),
               [](const Node* node) { return !is_graph_operand(*node); });
  const bool is_cut = std::any_of(inside.begin(), inside.end(),
                                  [](const Node* node) { return node->is("gradient") || is_differentiated_by(*node); });
  if (!is_cut) outline(graph, inside, op("checkpoint"), {}, "region");
}

absl::Status open_checkpoints(Graph& graph, const PassOptions&) { return for_each_region(graph, open_all); }

}  // namespace mica::ir
