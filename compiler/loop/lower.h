// Lowering: one node of a fused graph becomes one naive kernel, right but not yet fast. Producers are inlined into
// their consumers at the index they are read at; reductions become accumulators, hoisted to the outermost loop that has
// all they depend on.
//
//   softmax of f32[N,C]:  for i in 0..N { m = max over r of x[i,r]; s = sum over r of exp(x[i,r]-m); for j in 0..C {
//   y[i,j] = exp(x[i,j]-m)/s } }
#pragma once
#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {

// `node` is a `fusion`, a `scan`, or a single operation with a definition or a kernel of its own. Params of the kernel:
// the operands in order, then the results. Fails for operations without a compiled route, and for groups whose results
// do not share one row space.
absl::StatusOr<Kernel> lower(const ir::Node& node);

}  // namespace mica::loop
