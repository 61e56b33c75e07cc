// The picture of a graph of the compiler: a box a node, a cluster a group or loop body.
#pragma once
#include "compiler/graph/graph.h"
#include "frontend/views/plot.h"

namespace mica::views {

PlotGraph picture_of(const ir::Graph& graph);

}  // namespace mica::views
