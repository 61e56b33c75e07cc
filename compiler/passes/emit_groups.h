// The last part of fuse-loops: each group of nodes becomes one `fusion` node, and so does what else needs a kernel.
#pragma once
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::ir {

// Groups in topological order inside; the graph is sorted before and after. A tapped value that its group cannot store
// is computed a second time; constants are copied into the groups that read them, and stored where something else
// does; scans take constant states and transposed operands along.
void emit_groups(Graph& graph, std::vector<std::vector<Node*>> groups);

}  // namespace mica::ir
