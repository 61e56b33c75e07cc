// Loop IR to machine code through LLVM. No LLVM type appears here.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/loop/cpu_target.h"
#include "compiler/loop/kernel.h"
#include "runtime/abi.h"

namespace mica::codegen {

using loop::CpuLevel;
using loop::CpuTarget;
using loop::native_target;
using loop::parse_target;
using loop::vector_width;

// Machine code in this process, one address a kernel, in the order of the request.
struct CompiledKernels {
  std::vector<MicaKernelFn> functions;
};

// Compiles verified kernels. Kernels of equal structural key share one address in the whole process; their code lives
// as long as the process. What is new is taken from the disk cache or compiled, on several threads when there is much
// of it. May be called from many threads. The target must be one that this machine can run.
std::shared_ptr<const CompiledKernels> compile(std::span<const loop::Kernel> kernels, const CpuTarget& target);

// How many kernels went through LLVM in this process so far (neither shared nor found on disk).
std::int64_t llvm_compilations();

// Listings of one kernel: LLVM IR after the pass list, and assembly.
std::string llvm_ir(const loop::Kernel& kernel, const CpuTarget& target);
std::string assembly(const loop::Kernel& kernel, const CpuTarget& target);

// A relocatable ELF object that defines the kernel as `symbol`.
std::string object_code(const loop::Kernel& kernel, const std::string& symbol, const CpuTarget& target);

}  // namespace mica::codegen
