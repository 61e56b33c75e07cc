// recurrence: a loop over time as one `scan`, made from a step that is written with tensor operations. The step may use
// Variables, other tensors of the trace and arrays; the scan captures them.
#pragma once
#include <functional>

#include "frontend/graph/value.h"

namespace mica::internal {

// x of one step [N, …] and the states [N, …] to {output, new states …}.
using Step = std::function<Tensors(const Tensor& x, const Tensors& states)>;

struct RecurrenceOptions {
  bool backwards = false;             // the last step comes first
  Tensor mask = {};                   // [N, T]: where false, the states stay and the output of the step before repeats
  bool zero_output_for_mask = false;  // … or is zero
  bool training = false;
};

struct Recurrence {
  Tensor outputs;  // [N, T, …], each at the time of its x
  Tensor last;     // the output of the step that ran last
  Tensors states;  // after that step
};

// Runs `step` over the second axis of `xs` [N, T, …].
Recurrence recur(const Tensor& xs, const Tensors& states, const Step& step, const RecurrenceOptions& options);

// x with an axis the other way round.
Tensor flipped(const Tensor& x, int axis);

}  // namespace mica::internal
