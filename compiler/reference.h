// The double reference: runs a Graph on the records' scalar implementations, one node at a time, in double. Slow and
// plain on purpose; compiled code is checked against it.
#pragma once
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {

// Values of the graph's outputs in their order: results and updates as they stand in Graph::outputs(). Symbols are
// bound from the shapes of `inputs` and `variables`; composite operations run through their decomposition.
absl::StatusOr<std::vector<RefTensor>> evaluate(const Graph& graph, std::span<const RefTensor> inputs,
                                                std::span<const RefTensor> variables = {});

// The values of one operation without regions, on concrete operands and complete attributes.
absl::StatusOr<std::vector<RefTensor>> evaluate_op(const OpDef& op, const Attrs& attrs,
                                                   const std::vector<const RefTensor*>& operands);

}  // namespace mica::ir
