// Tiles of a product in the shared memory of a block.
#pragma once
#include <optional>
#include <vector>

#include "compiler/loop/kernel.h"

namespace mica::loop {

struct NestLoop {
  VarRef var;
  Expr extent;
};

// The serial loops around `core`, outermost first.
struct LoopNest {
  std::vector<NestLoop> loops;
  StmtRef core;

  static LoopNest peel(const StmtRef& body);
  Expr iterations() const;                  // of all loops together
  StmtRef at(const Expr& iteration) const;  // the core of one of them, counted row-major
};

// When the nest is  for …, i, j { acc = 0; for k { acc += a · b } store… }  with one factor that moves with i and k and
// one with k and j: the same with tiles of both factors in shared memory. Outer loops become the third axis of the
// grid.
std::optional<StmtRef> tiled_product(const LoopNest& nest, int tile);

}  // namespace mica::loop
