// Values that are cheaper to compute in each group that reads them than to store and read again.
#pragma once
#include "compiler/passes/loop_groups.h"

namespace mica::ir {

// Puts copies of cheap operations into the groups that read their values, where that saves memory traffic; what is
// then unused leaves its group.
void rematerialize(LoopGroups& groups);

}  // namespace mica::ir
