// NVIDIA GPUs: parameters are arguments of the entry, block and thread loops are indices of the grid, shared buffers
// lie in the memory of the block. Vector loops do not occur: a thread is a lane.
#pragma once
#include <string>

#include "compiler/codegen/target_hooks.h"

namespace mica::codegen {

class NvptxHooks final : public TargetHooks {
 public:
  FunctionFrame begin_function(const loop::Kernel& kernel, const std::string& symbol, bool can_fail,
                               llvm::Module& module, llvm::IRBuilder<>& builder) override;
  llvm::Value* allocate(const loop::Buffer& buffer, llvm::Type* element, std::int64_t count,
                        FunctionFrame& frame) override;
  unsigned vector_lanes() const override { return 1; }
  llvm::Value* thread_index(loop::LoopKind kind, llvm::IRBuilder<>& builder) override;
  void barrier(llvm::IRBuilder<>& builder) override;
  llvm::Value* float_max(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) override;
  llvm::Value* float_min(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) override;
  llvm::Value* math_call(const char* name, llvm::ArrayRef<llvm::Value*> operands, llvm::IRBuilder<>& builder) override;
};

}  // namespace mica::codegen
