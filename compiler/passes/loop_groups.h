// The partition of a block's nodes into the kernels that they will be, and what may be one kernel.
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "compiler/graph/graph.h"
#include "compiler/passes/group_order.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {

// Whether the use is a state of a scan or what it runs over, not a captured value.
bool is_over_steps(const Use& use);
// What a scan runs over often comes transposed, batch first; its kernel reads it as it lies.
bool feeds_only_a_scan(const Node& node);

// The values that a graph hands out. Taps are not results here: they never change a group.
struct HandedOut {
  std::set<Value> results, taps;
  explicit HandedOut(const Graph& graph);
};

// Starts with a group for each node that may stand in a kernel. Nodes may be added to the graph meanwhile; it must not
// be sorted.
class LoopGroups {
 public:
  struct Group {
    std::vector<Node*> nodes;  // in topological order; none when it has become part of another
    int num_reductions = 0;
    std::uint32_t state = 0;  // another number after each change
  };
  using Members = absl::FunctionRef<bool(const Node&)>;

  explicit LoopGroups(Graph& graph);

  Graph& graph() const { return graph_; }
  const std::vector<std::unique_ptr<Group>>& all() const { return groups_; }
  // Null for what is in no kernel.
  Group* of(const Node& node) const { return node.position() < of_.size() ? of_[node.position()] : nullptr; }

  // One kernel instead of two. False, and nothing changed, where the rules forbid it.
  bool try_merge(Group* a, Group* b);

  // Computed once for each state of the Variables.
  bool is_hoisted(const Node& node) const { return hoisted_.count(&node) > 0; }
  const HandedOut& handed_out() const { return handed_out_; }
  // Whether the value is a result of the graph or read by somebody beside the members.
  bool is_used_outside(Value value, Members is_member) const;
  // Whether the nodes, in topological order, may be one kernel; those for which `is_result` says so store a value.
  bool fit_one_kernel(const std::vector<Node*>& nodes, Members is_member, RowSpaces::IsResult is_result);

  // A copy that the group computes for itself, before its other nodes.
  void prepend(Group& group, const std::vector<Node*>& copies);
  // Takes members that nobody needs any more out of all groups.
  void drop_unused(Group& group);
  bool is_dropped(const Node& node) const { return node.position() < dropped_.size() && dropped_[node.position()]; }

  // The nodes of each group, in topological order. Sorts the graph: the groups are no more.
  std::vector<std::vector<Node*>> take();

 private:
  bool can_merge(const Group& a, const Group& b);
  bool is_needed(Node& node) const;

  Graph& graph_;
  std::unordered_set<const Node*> hoisted_;
  HandedOut handed_out_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<Group*> of_;     // by position
  std::vector<char> dropped_;  // by position: computed by their readers instead
  RowSpaces row_spaces_;
  GroupOrder order_;
  std::uint32_t next_state_ = 0;
  absl::flat_hash_set<std::pair<std::uint32_t, std::uint32_t>> refused_;  // states of pairs that cannot merge
};

}  // namespace mica::ir
