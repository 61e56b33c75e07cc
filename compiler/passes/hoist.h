// What a Program computes once and again only when a Variable was assigned: its `init` part.
#pragma once
#include <unordered_set>

#include "compiler/graph/graph.h"

namespace mica::ir {

// Nodes whose values depend on variables alone, of which the graph updates none (training hoists nothing that it
// changes), and that are worth keeping: known sizes, not larger than what they are computed from. Views come along for
// free.
std::unordered_set<const Node*> hoistable_nodes(const Graph& graph);

}  // namespace mica::ir
