// The flat loop over steps.
#pragma once
#include <vector>

#include "runtime/context.h"
#include "runtime/program.h"

namespace mica::rt {

// Runs the steps in order on a context whose pointers are resolved; `times` receives one entry a step when given. The
// first step that fails stands in the context's error word afterwards.
void run_steps(Context& context, StepRange range, std::vector<StepTime>* times);

}  // namespace mica::rt
