// Which units of a graph may become one without a cycle: units start as single nodes and are joined in pairs.
//
// A path from one unit through others to another forbids to join the two. Units carry an order of their own in which
// every edge points forward, so that only what stands between two units is searched, and a join moves only that
// (M. Pearce, P. Kelly: A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, 2006).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::ir {

class GroupOrder {
 public:
  // At most `max_walk` edges are followed to decide about one join: where that is not enough, it is refused.
  GroupOrder(const Graph& graph, std::size_t max_walk);

  // Makes one unit of those of two nodes, by position; false, and nothing changed, when that would close a cycle.
  bool join(std::size_t a, std::size_t b);

 private:
  using Id = std::uint32_t;
  enum class Direction { kForward, kBackward };
  // The neighbours of each node, one list after the other.
  struct Edges {
    std::vector<Id> first, ends;
    std::span<const Id> of(Id node) const { return {ends.data() + first[node], ends.data() + first[node + 1]}; }
  };

  bool collect(Id from, Id other, Direction direction, std::vector<Id>& met);
  void reorder(Id a, Id b, std::vector<Id>& before, std::vector<Id>& after);
  void unite(Id a, Id b);

  std::size_t max_walk_;
  Edges users_, operands_;
  std::vector<Id> unit_;   // of each node: the name of a unit is one of its nodes
  std::vector<Id> next_;   // the nodes of a unit, in a ring
  std::vector<Id> order_;  // of each unit
  std::vector<Id> mark_;   // of each unit: the walk that met it
  Id walk_ = 0;
};

}  // namespace mica::ir
