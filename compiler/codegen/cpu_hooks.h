// x86: parameters come in an array of pointers, the parallel loop as a range, local buffers live on the stack.
#pragma once
#include "compiler/codegen/target_hooks.h"
#include "compiler/loop/cpu_target.h"

namespace mica::codegen {

class CpuHooks final : public TargetHooks {
 public:
  explicit CpuHooks(const loop::CpuTarget& target) : target_(target) {}
  FunctionFrame begin_function(const loop::Kernel& kernel, const std::string& symbol, bool can_fail,
                               llvm::Module& module, llvm::IRBuilder<>& builder) override;
  llvm::Value* allocate(const loop::Buffer& buffer, llvm::Type* element, std::int64_t count,
                        FunctionFrame& frame) override;
  unsigned vector_lanes() const override;
  llvm::Value* thread_index(loop::LoopKind kind, llvm::IRBuilder<>& builder) override;
  void barrier(llvm::IRBuilder<>& builder) override;
  llvm::Value* float_max(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) override;
  llvm::Value* float_min(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) override;
  llvm::Value* math_call(const char* name, llvm::ArrayRef<llvm::Value*> operands, llvm::IRBuilder<>& builder) override;

 private:
  loop::CpuTarget target_;
};

}  // namespace mica::codegen
