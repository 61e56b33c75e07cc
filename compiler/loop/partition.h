// Partition: a loop that asks where it stands becomes one loop for each answer, so that the pieces of a concatenation
// and the inside of a pad are plain copies, without a choice an element.
//
//   for j in 0..128 { y[j] = select(j < 64, a[min(j, 63)], b[max(j - 64, 0)]) }
//     ->   for j in 0..64 { y[j] = a[j] }  for j in 0..64 { y[j + 64] = b[j] }
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

// Serial innermost loops of static extent whose iterations are independent, when the pieces are worth `lanes` elements
// at a time.
Kernel partition(const Kernel& kernel, int lanes);

}  // namespace mica::loop
