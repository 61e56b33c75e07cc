// expand_math: transcendental functions of f32 become additions, multiplications, fused multiply-adds, bit operations
// and selects, so that one definition serves CPU vectors and GPU threads. Branch-free, without tables or gathers.
//
// Largest error measured against double, in units in the last place of f32 (tests/compiler/loop/expand_math_test.cc
// sweeps all exponents and keeps these bounds):
//
//   exp    1.0    sin    1.4  |x| < 2^51, beyond as of 0    sinh   1.5    erf    1.2    rsqrt  1.4
//   expm1  1.4    cos    1.4  likewise                      cosh   1.3    erfc   4.0    pow    0.6
//   log    0.8    tan    2.8  likewise                      asinh  1.5    atan2  2.5
//   log1p  0.8    asin   2.0                                acosh  1.4    lgamma 0.6, for x < 0 an absolute error of
//   tanh   1.9    acos   1.2    atan   1.7                  atanh  1.7           1e-6 * (1 + |lgamma|)
//
// Special values are C's: signed zeros, infinities, NaN, subnormal operands and results. f16 and bf16 compute in f32.
// f64 keeps its operations; the emitter calls the C library lane by lane.
#pragma once
#include "compiler/loop/kernel.h"

namespace mica::loop {

Expr expand_math(const Expr& e);
Kernel expand_math(const Kernel& kernel);

}  // namespace mica::loop
