// Graphs as Programs of this machine.
#pragma once
#include <memory>

#include "frontend/graph/backend.h"

namespace mica::internal {

// Compiles `graph`, or finds the Program of an equal one.
std::shared_ptr<const Runnable> make_compiled(const ir::Graph& graph);

}  // namespace mica::internal
