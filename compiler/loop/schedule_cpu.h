// The CPU schedule: which loop runs in parallel, which in vectors.
//
// A map runs its last loop in vectors. A kernel with inner loops either runs each inner loop in vectors (rows that lie
// together: softmax, layer norm, dot products), or keeps them serial and runs a loop around them in vectors (columns:
// pooling, convolution, sums over the batch, matmul), whichever makes more accesses contiguous.
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

struct CpuSchedule {
  int lanes = 16;  // 32-bit elements of a hardware vector
};

Kernel schedule_cpu(const Kernel& naive, const CpuSchedule& options);

}  // namespace mica::loop
