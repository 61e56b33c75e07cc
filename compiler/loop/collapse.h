// Collapse: adjacent loops that walk memory like one longer loop become one, so that vectors run across short inner
// axes.
//
//   for i in 0..N { for j in 0..3 { y[i, j] = x[i, j] * 2 } }   ->   for i in 0..3*N { y[i] = x[i] * 2 }
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

// When a loop collapsed, the buffers of the kernel are flat (rank 1); else the kernel comes back as it was.
Kernel collapse(const Kernel& kernel);

}  // namespace mica::loop
