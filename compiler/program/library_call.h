// Library groups as calls: the node that a library runs, its weights, bias and epilogue, by value.
#pragma once
#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/program/plan.h"

namespace mica::program {

struct LibraryCall {
  PlanCall call;
  // Operands of the group in the order of the call: a, b, [bias], operands of binary epilogues.
  std::vector<int> operands;
  // The kind of call that packs operand 1 ahead of time, or -1.
  int pack_kind = -1;
};

absl::StatusOr<LibraryCall> library_call(const ir::Node& group);

}  // namespace mica::program
