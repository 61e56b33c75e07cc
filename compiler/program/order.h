// The order of steps, and which updates may overwrite their variable.
#pragma once
#include <unordered_set>
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::program {

struct StepOrder {
  std::vector<const ir::Node*> steps;  // everything that computes, in the order of the run
  // Variables whose new value may be written over the old one: everyone who reads the old value runs before the writer.
  // Whether the writer itself reads it element by element is the kernel's to say.
  std::unordered_set<const ir::Node*> overwritable;
};

// Keeps the order of the graph, but moves the writers of variables behind the readers of their old values where no
// dependence forbids it.
StepOrder order_steps(const ir::Graph& graph);

// The value that a view, or a view of a view, looks at.
ir::Value base_of(ir::Value value);

}  // namespace mica::program
