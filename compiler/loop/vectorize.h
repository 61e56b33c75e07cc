// Strip-mining of one loop into vectors, in the two ways of schedule_cpu.h.
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

// for v in 0..extent { body }  ->  for vo { vector<W> l { body at vo*W + l } }, then the rest under a mask. `body` has
// no loops. Accumulations into rank-0 locals get a lane each, folded after the loop in a fixed order.
StmtRef vector_loop(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes);

// Blocks of a loop around other loops: `body` computes block `var`, all its statements in vectors over the lanes,
// locals with one element a lane. No `var` when one block covers the extent.
struct LaneBlocks {
  VarRef var;
  Expr extent;
  StmtRef body;
};
// `most_vectors` bounds how many hardware vectors stand side by side.
LaneBlocks lane_blocks(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes, int most_vectors = 4);

// for r in 0..rows { body } -> the body once, each of its statements for all rows and each of its locals with one
// element a row: what does not depend on r is read once for all. `body` is one of lane_blocks'.
StmtRef jammed(const VarRef& r, std::int64_t rows, const StmtRef& body);

}  // namespace mica::loop
