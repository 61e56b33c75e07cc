// The recurrent-sequence template: a whole scan as one kernel. Rows of the batch are independent and run in parallel;
// time is a serial loop that carries the states in local buffers; contractions of a step are computed into local rows
// before what uses them.
//
//   parallel b in 0..N { h = h0[b]; for t in 0..T { z = h · U + x[t, b]; h = tanh(z); y[t, b] = h } final[b] = h }
#pragma once
#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {

// `node` is a scan, or a group around one whose other nodes compute initial states or rearrange what the scan runs
// over: they are read through, at no cost. Fails when the body mixes rows, or when the states of a row are too large or
// of symbolic size: such a scan runs as a loop of steps.
absl::StatusOr<Kernel> lower_scan(const ir::Node& node);

// The scan of such a group, null when there is none.
const ir::Node* scan_of(const ir::Node& node);

}  // namespace mica::loop
