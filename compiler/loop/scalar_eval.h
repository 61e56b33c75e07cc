// Scalar operations on one element in its own dtype: what the machine computes. Constant folding and the interpreter
// share it.
#pragma once
#include <cstdint>

#include "compiler/loop/expr.h"

namespace mica::loop {

// The nearest value of the dtype (ties to even), as a double. Floats only.
double round_to(double value, DType dtype);
// Wraps to the dtype's width: sign-extended for signed, zero-extended for unsigned, 0 or 1 for bool.
std::int64_t wrap_to(std::int64_t value, DType dtype);

// Operands and result are values of `dtype`. f32 computes each operation in float, f16 and bf16 in float rounded
// afterwards; transcendental functions are evaluated in double and rounded once.
double evaluate_float(ScalarOp op, DType dtype, const double* operands);
bool compare_float(ScalarOp op, const double* operands);
// Exact, wrapping on overflow. A quotient or remainder by zero is 0; shift counts are taken modulo the width.
std::int64_t evaluate_integer(ScalarOp op, DType dtype, const std::int64_t* operands);
bool compare_integer(ScalarOp op, DType dtype, const std::int64_t* operands);

// Toward zero, saturating; NaN gives 0. Bool: whether it differs from 0.
std::int64_t float_to_integer(double value, DType dtype);
double integer_to_float(std::int64_t value, DType from, DType to);

// Element <-> its storage. Integers and bool travel as int64 (u64 by bit pattern), floats as double.
std::uint64_t float_to_bits(double value, DType dtype);
double bits_to_float(std::uint64_t bits, DType dtype);

}  // namespace mica::loop
