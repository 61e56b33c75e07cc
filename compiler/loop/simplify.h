// Simplification of kernels: index arithmetic with the ranges of the loops around it, loops and conditions that decide
// nothing, and names for values that are used more than once.
#pragma once
#include <span>

#include "compiler/loop/kernel.h"
#include "compiler/loop/ranges.h"

namespace mica::loop {

// A rewrite of one i64 (or comparison) operation whose operands are simple already. `example` becomes `result` for
// i in 0..64, j in 0..16, k in 0..N, m in 0..T; `near_miss` stays.
struct IndexRule {
  const char* name;
  const char* example;
  const char* result;
  const char* near_miss;
  Expr (*apply)(const Expr& e, const Ranges& ranges);  // null: does not apply
};
std::span<const IndexRule> index_rules();

Expr simplify(const Expr& e, const Ranges& ranges);
// Also: serial, vector and unrolled loops of one iteration become their body, of none vanish; conditions that are known
// choose their branch; lets of a constant or a variable are put in place. Parallel, block and thread loops stay.
Kernel simplify(const Kernel& kernel);

// Values that a run of statements without control flow uses more than once get a `let`. Integers of indices stay where
// they are, and loads of buffers that the run writes.
Kernel name_shared_values(const Kernel& kernel);

}  // namespace mica::loop
