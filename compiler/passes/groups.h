// Groups: the `fusion` nodes that become one step of the Program each, and what else becomes a step.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::ir {

bool is_graph_operand(const Node& node);  // input or variable
bool is_group(const Node& node);          // a `fusion` node
bool is_library_group(const Node& node);  // … that a library runs
bool is_loop(const Node& node);           // a scan that no template takes: its body is steps
// The same storage in another shape, or at a later time: costs no step.
bool is_view(const Node& node);

// Calls `f` on every graph that becomes steps: the bodies of loops, innermost first, then the graph.
absl::Status for_each_block(Graph& graph, const std::function<absl::Status(Graph&)>& f);

// Replaces nodes, in topological order and closed (no path leaves them and comes back), by one node of `op` at the end
// of the graph: they become its body, and its results are the values used outside, in the order of definition. Null,
// and nothing replaced, where none is. Call sort_and_sweep afterwards.
Node* outline(Graph& graph, const std::vector<Node*>& nodes, const OpDef& op, Attrs attrs, const std::string& name);

// What becomes a group. `nodes` in topological order, closed: no path leaves the set and comes back.
struct GroupSpec {
  std::vector<Node*> nodes = {};
  std::string name = {};     // of the kernel: "add_relu"
  std::string library = {};  // "onednn.matmul", or empty for a loop kernel
  bool split_by_tap = false;
};
// Outlines the nodes as one `fusion` node. Constants that only the group uses belong into `nodes`.
Node* make_group(Graph& graph, const GroupSpec& spec);

// "conv2d_bias_relu": operations in order, with repeats counted, cut at a readable length.
std::string group_name(const std::vector<Node*>& nodes);

}  // namespace mica::ir
