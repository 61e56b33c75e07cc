// The machine behind the emitter: one LLVM context and target machine, made once and used for many kernels of a thread.
#pragma once
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/CodeGen.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "compiler/codegen/target_hooks.h"
#include "compiler/loop/cpu_target.h"
#include "compiler/loop/kernel.h"

namespace mica::codegen {

using loop::CpuTarget;

class LlvmBackend {
 public:
  explicit LlvmBackend(const CpuTarget& target);
  LlvmBackend(std::unique_ptr<llvm::TargetMachine> machine, std::unique_ptr<TargetHooks> hooks);

  // The kernel as optimized LLVM IR, verified.
  std::unique_ptr<llvm::Module> build(const loop::Kernel& kernel, const std::string& symbol);
  // Object bytes or assembly text. Consumes the module's IR.
  std::string emit(llvm::Module& module, llvm::CodeGenFileType type);

 private:
  void optimize(llvm::Module& module);

  llvm::LLVMContext context_;
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<TargetHooks> hooks_;
};

// Registers the targets of LLVM that Mica uses; once a process.
void initialize_llvm();

// The platform that kernels are made for, as in module headers.
std::string host_triple();

}  // namespace mica::codegen
