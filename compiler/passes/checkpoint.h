// Gradient checkpointing: regions of a graph that gradients compute once more instead of keeping what is in them.
#pragma once
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::ir {

// Outlines the nodes, in topological order and closed, as one `checkpoint` node; those that are operands of the graph
// stay outside. Leaves the graph as it is where a gradient is taken inside of the region or by one of its values, or
// where nothing of it is used. Call sort_and_sweep afterwards.
void make_checkpoint(Graph& graph, const std::vector<Node*>& nodes);

}  // namespace mica::ir
