// Reverse-mode differentiation of a graph, by the records' gradients or through their decompositions.
#pragma once
#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/ops/builder.h"

namespace mica::ir {

// The gradients of sum_i <ys[i], seeds[i]> with respect to each of xs, appended to the graph of `b`. An empty seed
// counts as zero. A gradient is empty where no path leads from xs[i] to a seeded y. Operations with regions (scan) call
// it on copies of their bodies to state their own gradient. An error names the operation on a path that has no
// gradient, and why.
absl::StatusOr<Values> differentiate(Builder& b, const Values& ys, const Values& seeds, const Values& xs);

// `gradient`, summed to the shape of `of` where broadcasting had stretched it, and cast to its dtype.
Value unbroadcast(Builder& b, Value gradient, Value of);

}  // namespace mica::ir
