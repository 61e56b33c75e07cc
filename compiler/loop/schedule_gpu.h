// The GPU schedule: the grid, the block, and what threads share.
//
//   maps: one thread an element
//   rows: one block a row; threads stride over it and fold their parts through shared memory (softmax, layer norm)
//   columns: one thread an element, folds in its own loop (pooling, convolution, sums over the batch)
//   products: square tiles of both operands in shared memory, one thread an element of the result (matmul)
//   templates with a parallel loop of their own: one thread an iteration (cumsum, gather)
//
// Kernels are checked by the lock-step interpreter, which knows races, bounds and barriers.
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

struct GpuSchedule {
  int threads = 128;  // of a block, a power of two
  int tile = 16;      // edge of the tiles of a product
};

Kernel schedule_gpu(const Kernel& naive, const GpuSchedule& options = {});

}  // namespace mica::loop
