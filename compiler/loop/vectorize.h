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
LaneBlocks lane_blocks(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes);

}  // namespace mica::loop
