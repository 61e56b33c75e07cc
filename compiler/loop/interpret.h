// The meaning of a kernel, executed: what the machine code must compute, with every access checked.
//
// Elements are computed in their own dtype (f32 in float for each operation, f64 in double, integers exact); a
// transcendental function that the kernel still holds is evaluated in double and rounded once. Kernels with block and
// thread loops run in lock step: the threads of a block run from barrier to barrier, with shared memory per block.
//
// Errors, each with the statement's text and the variables around it:
//   - an index outside its buffer; a vector loop longer than its width
//   - a race: two threads of a block touch one shared or global element between two barriers, or threads of two blocks
//     at any time, or two iterations of a parallel loop, and one of them writes
//   - a barrier that not all threads of the block reach
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "compiler/loop/kernel.h"
#include "runtime/abi.h"

namespace mica::loop {

// Dense row-major elements in the parameter's dtype.
struct InterpretBuffer {
  void* data = nullptr;
  std::size_t bytes = 0;
};

struct InterpretOptions {
  bool check_races = true;
  MicaErrorWord* error_word = nullptr;  // the first failing `fail`, as step 1; null: failures are ignored
};

// Iterations [begin, end) of the parallel loop, the whole of a kernel without one. `dims` are the values of
// kernel.symbols(), as in the ABI. Locals and shared memory start as NaN (integers: all ones), never as 0.
absl::Status interpret(const Kernel& kernel, std::span<const InterpretBuffer> buffers,
                       std::span<const std::int64_t> dims, std::int64_t begin, std::int64_t end,
                       const InterpretOptions& options = {});
// The whole parallel range.
absl::Status interpret(const Kernel& kernel, std::span<const InterpretBuffer> buffers,
                       std::span<const std::int64_t> dims, const InterpretOptions& options = {});

}  // namespace mica::loop
