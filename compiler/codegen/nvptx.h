// GPU kernels as PTX, through the same emitter as CPU code. No LLVM type appears here.
//
// Calling convention of the entry `mica_<kernel name>`: a global pointer a parameter in the order of the kernel's, an
// i64 a symbol in the order of Kernel::symbols(), then a global pointer to a MicaErrorWord when the kernel can fail.
// The launch has exactly the extents of the block and thread loops as its grid and block.
#pragma once
#include <string>

#include "compiler/loop/kernel.h"

namespace mica::codegen {

// The text of one module for compute capability `sm` (80, 90, …). The kernel comes from loop::schedule_gpu and
// loop::expand_math. Throws mica::Error for elementary functions of float64, which PTX does not have.
std::string ptx(const loop::Kernel& scheduled, int sm);

}  // namespace mica::codegen
