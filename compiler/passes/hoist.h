// What a Program computes once and again only when a Variable was assigned: its `init` part.
#pragma once
#include <unordered_set>

#include "compiler/graph/graph.h"

namespace mica::ir {

// Variables that the graph does not update (training updates them, so it hoists nothing of theirs), and what depends on
// them alone and has a known size.
std::unordered_set<const Node*> fixed_values(const Graph& graph);

// The fixed computations that are worth keeping: not larger than what they are computed from.
std::unordered_set<const Node*> hoistable_nodes(const Graph& graph);

}  // namespace mica::ir
