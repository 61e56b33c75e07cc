#include "compiler/codegen/scalar_emitter.h"

#include <limits>

#include "runtime/error.h"

namespace mica::codegen {

using llvm::Value;
using loop::ScalarOp;

llvm::Type* ScalarEmitter::register_type(DType dtype) const {
  switch (dtype.kind()) {
    case DType::kBool:
      return b_.getInt1Ty();
    case DType::kFloat16:
      return b_.getHalfTy();
    case DType::kBFloat16:
      return b_.getInt16Ty();
    case DType::kFloat32:
      return b_.getFloatTy();
    case DType::kFloat64:
      return b_.getDoubleTy();
    default:
      return b_.getIntNTy(static_cast<unsigned>(dtype.bytes()) * 8);
  }
}

llvm::Type* ScalarEmitter::memory_type(DType dtype) const {
  return dtype.is_bool() ? b_.getInt8Ty() : register_type(dtype);
}

llvm::Type* ScalarEmitter::like(Value* v, llvm::Type* element) const {
  return v->getType()->isVectorTy() ? v->getType()->getWithNewType(element) : element;
}

Value* ScalarEmitter::from_memory(Value* v, DType dtype) { return dtype.is_bool() ? b_.CreateIsNotNull(v) : v; }

Value* ScalarEmitter::to_memory(Value* v, DType dtype) {
  return dtype.is_bool() ? b_.CreateZExt(v, like(v, b_.getInt8Ty())) : v;
}

Value* ScalarEmitter::op(ScalarOp op, DType dtype, llvm::ArrayRef<Value*> x) {
  if (op == ScalarOp::k_select) return b_.CreateSelect(x[0], x[1], x[2]);
  const bool narrow_float = dtype == kFloat16 || dtype == kBFloat16;
  if (narrow_float) {  // computed in f32 and rounded once
    llvm::SmallVector<Value*, 3> wide;
    for (Value* v : x) wide.push_back(cast(v, dtype, kFloat32));
    Value* result = this->op(op, kFloat32, wide);
    return loop::info(op).type_rule == loop::ScalarClass::kCompare ? result : cast(result, kFloat32, dtype);
  }
  if (loop::info(op).type_rule == loop::ScalarClass::kCompare) return compare(op, dtype, x);
  if (dtype.is_floating()) return float_op(op, x);
  return dtype.is_bool() ? bool_op(op, x) : integer_op(op, !dtype.is_unsigned(), x);
}

Value* ScalarEmitter::fma(Value* a, Value* b, Value* c) {
  return b_.CreateIntrinsic(a->getType(), llvm::Intrinsic::fma, {a, b, c});
}

Value* ScalarEmitter::float_op(ScalarOp op, llvm::ArrayRef<Value*> x) {
  auto number = [&](double value) { return llvm::ConstantFP::get(x[0]->getType(), value); };
  switch (op) {
    case ScalarOp::k_add:
      return b_.CreateFAdd(x[0], x[1]);
    case ScalarOp::k_sub:
      return b_.CreateFSub(x[0], x[1]);
    case ScalarOp::k_mul:
      return b_.CreateFMul(x[0], x[1]);
    case ScalarOp::k_div:
      return b_.CreateFDiv(x[0], x[1]);
    case ScalarOp::k_floor_div:
      return unary(llvm::Intrinsic::floor, b_.CreateFDiv(x[0], x[1]));
    case ScalarOp::k_mod:
      return floor_mod(x[0], x[1]);
    case ScalarOp::k_fmod:
      return b_.CreateFRem(x[0], x[1]);
    case ScalarOp::k_fma:
      return fma(x[0], x[1], x[2]);
    case ScalarOp::k_max:
      return hooks_.float_max(x[0], x[1], b_);
    case ScalarOp::k_min:
      return hooks_.float_min(x[0], x[1], b_);
    case ScalarOp::k_neg:
      return b_.CreateFNeg(x[0]);
    case ScalarOp::k_abs:
      return unary(llvm::Intrinsic::fabs, x[0]);
    case ScalarOp::k_sign: {
      Value* negative = b_.CreateSelect(b_.CreateFCmpOLT(x[0], number(0)), number(-1), x[0]);  // 0, -0 and NaN stay
      return b_.CreateSelect(b_.CreateFCmpOGT(x[0], number(0)), number(1), negative);
    }
    case ScalarOp::k_floor:
      return unary(llvm::Intrinsic::floor, x[0]);
    case ScalarOp::k_ceil:
      return unary(llvm::Intrinsic::ceil, x[0]);
    case ScalarOp::k_round:
      return unary(llvm::Intrinsic::roundeven, x[0]);
    case ScalarOp::k_trunc:
      return unary(llvm::Intrinsic::trunc, x[0]);
    case ScalarOp::k_sqrt:
      return unary(llvm::Intrinsic::sqrt, x[0]);
    case ScalarOp::k_rsqrt:
      return b_.CreateFDiv(number(1), unary(llvm::Intrinsic::sqrt, x[0]));
    default:
      return library_call(op, x);
  }
}

// The remainder with the sign of the divisor.
Value* ScalarEmitter::floor_mod(Value* a, Value* b) {
  Value *remainder = b_.CreateFRem(a, b), *zero = llvm::ConstantFP::get(a->getType(), 0.0);
  Value* signs_differ = b_.CreateXor(b_.CreateFCmpOLT(remainder, zero), b_.CreateFCmpOLT(b, zero));
  Value* adjust = b_.CreateAnd(b_.CreateFCmpONE(remainder, zero), signs_differ);
  return b_.CreateSelect(adjust, b_.CreateFAdd(remainder, b), remainder);
}

// Functions without own polynomial: f64 through the C library, whose names the operations carry.
Value* ScalarEmitter::library_call(ScalarOp op, llvm::ArrayRef<Value*> x) {
  const char* name = loop::info(op).name;
  llvm::Type* type = x[0]->getType();
  MICA_CHECK(type->getScalarType()->isDoubleTy()) << name << " on a type whose expansion is missing";
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  if (vector == nullptr) return hooks_.math_call(name, x, b_);
  Value* result = llvm::PoisonValue::get(type);
  for (unsigned lane = 0; lane < vector->getNumElements(); ++lane) {
    llvm::SmallVector<Value*, 2> scalars;
    for (Value* operand : x) scalars.push_back(b_.CreateExtractElement(operand, lane));
    result = b_.CreateInsertElement(result, hooks_.math_call(name, scalars, b_), lane);
  }
  return result;
}

Value* ScalarEmitter::integer_op(ScalarOp op, bool is_signed, llvm::ArrayRef<Value*> x) {
  llvm::Type* type = x[0]->getType();
  auto number = [&](std::int64_t value) { return llvm::ConstantInt::getSigned(type, value); };
  auto choose = [&](llvm::Intrinsic::ID for_signed, llvm::Intrinsic::ID for_unsigned) {
    return b_.CreateBinaryIntrinsic(is_signed ? for_signed : for_unsigned, x[0], x[1]);
  };
  switch (op) {
    case ScalarOp::k_add:
      return b_.CreateAdd(x[0], x[1]);
    case ScalarOp::k_sub:
      return b_.CreateSub(x[0], x[1]);
    case ScalarOp::k_mul:
      return b_.CreateMul(x[0], x[1]);
    case ScalarOp::k_fma:
      return b_.CreateAdd(b_.CreateMul(x[0], x[1]), x[2]);
    case ScalarOp::k_div:
    case ScalarOp::k_floor_div:
    case ScalarOp::k_mod:
    case ScalarOp::k_fmod:
      return integer_divide(op, is_signed, x[0], x[1]);
    case ScalarOp::k_max:
      return choose(llvm::Intrinsic::smax, llvm::Intrinsic::umax);
    case ScalarOp::k_min:
      return choose(llvm::Intrinsic::smin, llvm::Intrinsic::umin);
    case ScalarOp::k_neg:
      return b_.CreateNeg(x[0]);
    case ScalarOp::k_abs:
      return is_signed ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x[0], b_.getFalse()) : x[0];
    case ScalarOp::k_sign: {
      Value* not_positive = is_signed ? b_.CreateAShr(x[0], type->getScalarSizeInBits() - 1) : number(0);
      Value* positive = is_signed ? b_.CreateICmpSGT(x[0], number(0)) : b_.CreateIsNotNull(x[0]);
      return b_.CreateSelect(positive, number(1), not_positive);
    }
    case ScalarOp::k_floor:
    case ScalarOp::k_ceil:
    case ScalarOp::k_round:
    case ScalarOp::k_trunc:
      return x[0];
    case ScalarOp::k_pow:
      return integer_power(is_signed, x[0], x[1]);
    case ScalarOp::k_bit_and:
      return b_.CreateAnd(x[0], x[1]);
    case ScalarOp::k_bit_or:
      return b_.CreateOr(x[0], x[1]);
    case ScalarOp::k_bit_xor:
      return b_.CreateXor(x[0], x[1]);
    case ScalarOp::k_bit_not:
      return b_.CreateNot(x[0]);
    case ScalarOp::k_shl:
    case ScalarOp::k_shr:
      return shift(op, is_signed, x[0], x[1]);
    case ScalarOp::k_mul_high: {
      llvm::Type* wide = type->getWithNewBitWidth(2 * type->getScalarSizeInBits());
      Value* product = b_.CreateMul(b_.CreateZExt(x[0], wide), b_.CreateZExt(x[1], wide));
      return b_.CreateTrunc(b_.CreateLShr(product, type->getScalarSizeInBits()), type);
    }
    default:
      MICA_CHECK(false) << loop::info(op).name << " on integers";
      return nullptr;
  }
}

// Counts are taken modulo the width.
Value* ScalarEmitter::shift(ScalarOp op, bool is_signed, Value* a, Value* amount) {
  Value* count = b_.CreateAnd(amount, llvm::ConstantInt::get(a->getType(), a->getType()->getScalarSizeInBits() - 1));
  if (op == ScalarOp::k_shl) return b_.CreateShl(a, count);
  return is_signed ? b_.CreateAShr(a, count) : b_.CreateLShr(a, count);
}

// Rounds down (fmod: toward zero); by zero gives 0. The machine traps on a zero divisor and on MIN / -1, also in lanes
// that are masked off, so both are replaced before the division.
Value* ScalarEmitter::integer_divide(ScalarOp op, bool is_signed, Value* a, Value* b) {
  llvm::Type* type = a->getType();
  Value *zero = llvm::ConstantInt::get(type, 0), *one = llvm::ConstantInt::get(type, 1);
  Value* by_zero = b_.CreateIsNull(b);
  Value* by_minus_one = is_signed ? b_.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(type)) : b_.CreateIsNull(one);
  Value* divisor = b_.CreateSelect(b_.CreateOr(by_zero, by_minus_one), one, b);
  Value* quotient = is_signed ? b_.CreateSDiv(a, divisor) : b_.CreateUDiv(a, divisor);
  Value* remainder = b_.CreateSub(a, b_.CreateMul(quotient, divisor));  // 0 for the replaced divisors
  if (op == ScalarOp::k_fmod) return remainder;
  Value* round_down = b_.CreateAnd(b_.CreateIsNotNull(remainder), b_.CreateICmpSLT(b_.CreateXor(remainder, b), zero));
  if (op == ScalarOp::k_mod)
    return is_signed ? b_.CreateSelect(round_down, b_.CreateAdd(remainder, b), remainder) : remainder;
  if (is_signed) quotient = b_.CreateSelect(round_down, b_.CreateSub(quotient, one), quotient);
  quotient = b_.CreateSelect(by_minus_one, b_.CreateNeg(a), quotient);
  return b_.CreateSelect(by_zero, zero, quotient);
}

// By squaring over all bits of the exponent, wrapping. A negative exponent gives 0 but for the bases 1 and -1, whose
// powers come out right from the two's complement of the exponent.
Value* ScalarEmitter::integer_power(bool is_signed, Value* base, Value* exponent) {
  llvm::Type* type = base->getType();
  auto number = [&](std::int64_t value) { return llvm::ConstantInt::getSigned(type, value); };
  Value *result = number(1), *factor = base;
  for (unsigned bit = 0; bit < type->getScalarSizeInBits(); ++bit) {
    if (bit > 0) factor = b_.CreateMul(factor, factor);
    Value* is_set = b_.CreateIsNotNull(b_.CreateAnd(b_.CreateLShr(exponent, bit), number(1)));
    result = b_.CreateSelect(is_set, b_.CreateMul(result, factor), result);
  }
  if (!is_signed) return result;
  Value* is_unit = b_.CreateOr(b_.CreateICmpEQ(base, number(1)), b_.CreateICmpEQ(base, number(-1)));
  Value* vanishes = b_.CreateAnd(b_.CreateICmpSLT(exponent, number(0)), b_.CreateNot(is_unit));
  return b_.CreateSelect(vanishes, number(0), result);
}

Value* ScalarEmitter::bool_op(ScalarOp op, llvm::ArrayRef<Value*> x) {
  switch (op) {
    case ScalarOp::k_bit_and:
    case ScalarOp::k_min:
    case ScalarOp::k_mul:
      return b_.CreateAnd(x[0], x[1]);
    case ScalarOp::k_bit_or:
    case ScalarOp::k_max:
    case ScalarOp::k_add:
      return b_.CreateOr(x[0], x[1]);
    case ScalarOp::k_bit_xor:
      return b_.CreateXor(x[0], x[1]);
    case ScalarOp::k_bit_not:
      return b_.CreateNot(x[0]);
    default:
      MICA_CHECK(false) << loop::info(op).name << " on bool";
      return nullptr;
  }
}

Value* ScalarEmitter::compare(ScalarOp op, DType dtype, llvm::ArrayRef<Value*> x) {
  using P = llvm::CmpInst::Predicate;
  if (op == ScalarOp::k_is_nan || op == ScalarOp::k_is_inf) {
    llvm::Type* type = x[0]->getType();
    if (!dtype.is_floating()) return llvm::Constant::getNullValue(like(x[0], b_.getInt1Ty()));
    if (op == ScalarOp::k_is_nan) return b_.CreateFCmpUNO(x[0], x[0]);
    return b_.CreateFCmpOEQ(unary(llvm::Intrinsic::fabs, x[0]), llvm::ConstantFP::getInfinity(type));
  }
  struct Predicates {
    P of_float, of_signed, of_unsigned;
  };
  auto predicates = [&]() -> Predicates {
    switch (op) {
      case ScalarOp::k_eq:
        return {P::FCMP_OEQ, P::ICMP_EQ, P::ICMP_EQ};
      case ScalarOp::k_ne:
        return {P::FCMP_UNE, P::ICMP_NE, P::ICMP_NE};
      case ScalarOp::k_lt:
        return {P::FCMP_OLT, P::ICMP_SLT, P::ICMP_ULT};
      case ScalarOp::k_le:
        return {P::FCMP_OLE, P::ICMP_SLE, P::ICMP_ULE};
      case ScalarOp::k_gt:
        return {P::FCMP_OGT, P::ICMP_SGT, P::ICMP_UGT};
      default:
        return {P::FCMP_OGE, P::ICMP_SGE, P::ICMP_UGE};
    }
  }();
  if (dtype.is_floating()) return b_.CreateFCmp(predicates.of_float, x[0], x[1]);
  const bool is_signed = !dtype.is_unsigned() && !dtype.is_bool();
  return b_.CreateICmp(is_signed ? predicates.of_signed : predicates.of_unsigned, x[0], x[1]);
}

Value* ScalarEmitter::cast(Value* v, DType from, DType to) {
  if (from == to) return v;
  llvm::Type* type = like(v, register_type(to));
  if (from.is_floating() && to.is_floating()) return float_to_float(v, from, to);
  if (from == kBFloat16 || from == kFloat16) return cast(float_to_float(v, from, kFloat32), kFloat32, to);
  if (from.is_floating()) {
    if (to.is_bool()) return b_.CreateFCmpUNE(v, llvm::ConstantFP::get(v->getType(), 0.0));
    auto id = to.is_unsigned() ? llvm::Intrinsic::fptoui_sat : llvm::Intrinsic::fptosi_sat;
    return b_.CreateIntrinsic(id, {type, v->getType()}, {v});
  }
  const bool is_signed = !from.is_unsigned() && !from.is_bool();
  if (to == kBFloat16 || to == kFloat16) return float_to_float(cast(v, from, kFloat32), kFloat32, to);
  if (to.is_floating()) return is_signed ? b_.CreateSIToFP(v, type) : b_.CreateUIToFP(v, type);
  if (to.is_bool()) return b_.CreateIsNotNull(v);
  return b_.CreateIntCast(v, type, is_signed);
}

// bf16 is the upper half of f32, held as its 16 bits and converted by integer operations: they are the same on every
// CPU, while the instruction of AVX512_BF16 flushes denormals and without it LLVM calls a library function a lane.
Value* ScalarEmitter::float_to_float(Value* v, DType from, DType to) {
  if (from == kBFloat16) {
    Value* bits = b_.CreateZExt(v, like(v, b_.getInt32Ty()));
    return cast(b_.CreateBitCast(b_.CreateShl(bits, 16), like(v, b_.getFloatTy())), kFloat32, to);
  }
  if (to == kBFloat16) return round_to_bfloat(cast(v, from, kFloat32));
  if (from == kFloat64 && to == kFloat16) return cast(cast(v, from, kFloat32), kFloat32, to);
  return b_.CreateFPCast(v, like(v, register_type(to)));
}

// To nearest, ties to even; NaN stays a quiet NaN.
Value* ScalarEmitter::round_to_bfloat(Value* v) {
  llvm::Type *i32 = like(v, b_.getInt32Ty()), *i16 = like(v, b_.getInt16Ty());
  auto number = [&](std::uint64_t value) { return llvm::ConstantInt::get(i32, value); };
  Value* bits = b_.CreateBitCast(v, i32);
  Value* odd = b_.CreateAnd(b_.CreateLShr(bits, 16), number(1));
  Value* rounded = b_.CreateAdd(b_.CreateAdd(bits, number(0x7fff)), odd);
  Value* quiet = b_.CreateOr(bits, number(0x400000));
  Value* upper = b_.CreateLShr(b_.CreateSelect(b_.CreateFCmpUNO(v, v), quiet, rounded), 16);
  return b_.CreateTrunc(upper, i16);
}

Value* ScalarEmitter::bitcast(Value* v, DType from, DType to) {
  llvm::Type* type = like(v, memory_type(to));
  return from_memory(b_.CreateBitCast(to_memory(v, from), type), to);
}

}  // namespace mica::codegen
