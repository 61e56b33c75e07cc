// Values that are cheaper to compute in each group that reads them than to store and read again.
#pragma once
#include "compiler/passes/loop_groups.h"

namespace mica::ir {

// Puts copies of cheap operations into the groups that read their values, where that saves memory traffic; what is
// then unused leaves its group. The locations of values that are computed more than once say so, of all but the first.
void rematerialize(LoopGroups& groups);

}  // namespace mica::ir
