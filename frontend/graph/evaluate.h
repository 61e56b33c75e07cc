// Running pending work: one Program for what is asked, found again by the structure of its graph.
#pragma once
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

// Computes pending values, the pending values of all Variables that this thread has bound, and what else is held and
// shares work with them. An error leaves every value and every Variable as it was.
void evaluate(std::vector<ValueRef> asked);
// Computes the pending values of all Variables that this thread has bound, as optimizer.step() does.
void run_bindings();
// Computes all pending values of this thread that are held.
void run_pending();

// How many Programs lazy code has compiled in this process.
int num_lazy_programs();

}  // namespace mica::internal
