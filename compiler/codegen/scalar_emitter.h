// Scalar operations as LLVM instructions, lane by lane: the operands are all scalars or all vectors of one length.
// Integers and floats follow the Loop IR: division rounds down, casts saturate, NaN goes through max and min.
#pragma once
#include "compiler/codegen/target_hooks.h"

namespace mica::codegen {

class ScalarEmitter {
 public:
  ScalarEmitter(llvm::IRBuilder<>& builder, TargetHooks& hooks) : b_(builder), hooks_(hooks) {}

  // The type of one lane in a register (bool: i1, bf16: its bits) and in memory (bool: i8).
  llvm::Type* register_type(DType dtype) const;
  llvm::Type* memory_type(DType dtype) const;

  llvm::Value* from_memory(llvm::Value* v, DType dtype);
  llvm::Value* to_memory(llvm::Value* v, DType dtype);

  // `dtype` is that of the operands (of the second and third for select).
  llvm::Value* op(loop::ScalarOp op, DType dtype, llvm::ArrayRef<llvm::Value*> operands);
  llvm::Value* cast(llvm::Value* v, DType from, DType to);
  llvm::Value* bitcast(llvm::Value* v, DType from, DType to);
  llvm::Value* fma(llvm::Value* a, llvm::Value* b, llvm::Value* c);
  // Quotient and remainder where both operands are known not to be negative and the divisor is not 0.
  llvm::Value* natural_quotient(llvm::Value* a, llvm::Value* b) { return b_.CreateUDiv(a, b); }
  llvm::Value* natural_remainder(llvm::Value* a, llvm::Value* b) { return b_.CreateURem(a, b); }

 private:
  llvm::Value* float_op(loop::ScalarOp op, llvm::ArrayRef<llvm::Value*> x);
  llvm::Value* integer_op(loop::ScalarOp op, bool is_signed, llvm::ArrayRef<llvm::Value*> x);
  llvm::Value* bool_op(loop::ScalarOp op, llvm::ArrayRef<llvm::Value*> x);
  llvm::Value* compare(loop::ScalarOp op, DType dtype, llvm::ArrayRef<llvm::Value*> x);
  llvm::Value* shift(loop::ScalarOp op, bool is_signed, llvm::Value* a, llvm::Value* amount);
  llvm::Value* floor_mod(llvm::Value* a, llvm::Value* b);
  llvm::Value* integer_divide(loop::ScalarOp op, bool is_signed, llvm::Value* a, llvm::Value* b);
  llvm::Value* integer_power(bool is_signed, llvm::Value* base, llvm::Value* exponent);
  llvm::Value* library_call(loop::ScalarOp op, llvm::ArrayRef<llvm::Value*> x);
  llvm::Value* float_to_float(llvm::Value* v, DType from, DType to);
  llvm::Value* round_to_bfloat(llvm::Value* v);
  llvm::Value* unary(llvm::Intrinsic::ID id, llvm::Value* v) { return b_.CreateUnaryIntrinsic(id, v); }
  llvm::Type* like(llvm::Value* v, llvm::Type* element) const;

  llvm::IRBuilder<>& b_;
  TargetHooks& hooks_;
};

}  // namespace mica::codegen
