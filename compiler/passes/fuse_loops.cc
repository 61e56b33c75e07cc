// Groups operations into kernels: a consumer joins the group of its producer, and groups are merged, as long as all
// their values share one row space (row_space.h) and no path leaves the merged group and comes back. Taps are not
// results here: they never change a group; a tapped value that its group cannot store is computed a second time.
#include "compiler/ops/op_def.h"
#include "compiler/passes/emit_groups.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/loop_groups.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/rematerialize.h"

namespace mica::ir {
namespace {

bool is_reduction(const Node& node) { return node.op().fusion == FusionClass::kReduction; }
bool is_any(const Node&) { return true; }

// Merging makes further merges possible (a row reduction joins once its consumers have become one group).
void merge_along_edges(LoopGroups& groups, bool (*wanted)(const Node& consumer)) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& node : groups.graph().nodes()) {
      if (!groups.of(*node) || !wanted(*node)) continue;
      for (const Value& operand : node->operands())
        changed |= groups.try_merge(groups.of(*operand.node), groups.of(*node));
    }
  }
}

// Reductions of one array over the same axes read it once: the statistics and the gradients of a normalisation.
void merge_siblings(LoopGroups& groups) {
  auto reducing = [&](const Use& use) {
    LoopGroups::Group* group = groups.of(*use.user);
    return group && group->num_reductions > 0 ? group : nullptr;
  };
  for (const auto& node : groups.graph().nodes()) {
    for (int i = 0; i < node->num_results(); ++i) {
      const std::vector<Use>& uses = node->uses(i);
      for (std::size_t k = 1; k < uses.size(); ++k) groups.try_merge(reducing(uses[0]), reducing(uses[k]));
    }
  }
}

absl::Status fuse(Graph& graph) {
  LoopGroups groups(graph);
  // Reductions first: what only they read is then folded as it is computed, not stored.
  merge_along_edges(groups, is_reduction);
  merge_along_edges(groups, is_any);
  merge_siblings(groups);
  rematerialize(groups);
  emit_groups(graph, groups.take());
  return absl::OkStatus();
}

}  // namespace

absl::Status fuse_loops(Graph& graph, const PassOptions&) { return for_each_block(graph, fuse); }

}  // namespace mica::ir
