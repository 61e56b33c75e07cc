// What differs between machines when a kernel is written as LLVM IR. One emitter, one subclass a target.
#pragma once
#include <llvm/IR/IRBuilder.h>

#include <vector>

#include "compiler/loop/kernel.h"

namespace mica::codegen {

// The function being filled and the arguments as the emitter wants them.
struct FunctionFrame {
  llvm::Function* function = nullptr;
  std::vector<llvm::Value*> params;   // pointer to element 0 of each parameter
  std::vector<llvm::Value*> symbols;  // i64, in the order of Kernel::symbols()
  llvm::Value* begin = nullptr;       // the piece of the parallel loop
  llvm::Value* end = nullptr;
  llvm::Value* error_word = nullptr;  // when the kernel can fail
};

class TargetHooks {
 public:
  virtual ~TargetHooks() = default;

  // Declares the function and leaves `builder` at the end of its entry block.
  virtual FunctionFrame begin_function(const loop::Kernel& kernel, const std::string& symbol, bool can_fail,
                                       llvm::Module& module, llvm::IRBuilder<>& builder) = 0;
  // Storage of a local or shared buffer; `bytes` is static.
  virtual llvm::Value* allocate(const loop::Buffer& buffer, llvm::Type* element, std::int64_t count,
                                FunctionFrame& frame) = 0;
  // Lanes of a machine vector: wider vector loops are written as several vectors side by side.
  virtual unsigned vector_lanes() const = 0;
  // The index of this thread in a GPU loop; null when the target runs `kind` as a loop.
  virtual llvm::Value* thread_index(loop::LoopKind kind, llvm::IRBuilder<>& builder) = 0;
  virtual void barrier(llvm::IRBuilder<>& builder) = 0;
  // max and min of floats, NaN if either operand is.
  virtual llvm::Value* float_max(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) = 0;
  virtual llvm::Value* float_min(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) = 0;
  // A function of the mathematical library on scalars: exp, pow, …; the name is the C library's for double.
  virtual llvm::Value* math_call(const char* name, llvm::ArrayRef<llvm::Value*> operands,
                                 llvm::IRBuilder<>& builder) = 0;
};

}  // namespace mica::codegen
