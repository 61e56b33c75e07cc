// Own elementary functions of f32 as expressions. Coefficients are minimax fits of the relative error, made for these
// ranges with the leading ones rounded to f32 first.
#pragma once
#include <initializer_list>

#include "compiler/loop/expr.h"

namespace mica::loop {

// Building blocks.
inline Expr f32(double value) { return constant(value, kFloat32); }
inline Expr i32(std::int64_t value) { return integer(value, kInt32); }
inline Expr abs(const Expr& x) { return op(ScalarOp::k_abs, {x}); }
inline Expr sqrt(const Expr& x) { return op(ScalarOp::k_sqrt, {x}); }
inline Expr fma(const Expr& a, const Expr& b, const Expr& c) { return op(ScalarOp::k_fma, {a, b, c}); }
Expr polynomial(const Expr& x, std::initializer_list<double> highest_first);  // Horner
Expr with_sign_of(const Expr& magnitude, const Expr& sign);                   // magnitude must not be negative
// Keeps NaN, unlike max and min would need an extra comparison to.
Expr at_least(const Expr& x, double low);
Expr at_most(const Expr& x, double high);

// x = 2^exponent * (1 + fraction), 1 + fraction in [sqrt(1/2), sqrt(2)). x is positive, finite and normal.
struct LogParts {
  Expr exponent;  // as f32
  Expr fraction;
};
LogParts split_exponent(const Expr& x);
// log(2^exponent * (1 + fraction)) + correction.
Expr log_of_parts(const LogParts& parts, const Expr& correction);

// e^x = 2^exponent * (1 + expm1): exponent as i32, |expm1| < 0.42. x is bounded to where 2^exponent is near f32.
struct ExpParts {
  Expr exponent;
  Expr expm1;
};
ExpParts reduce_exp(const Expr& x);
Expr power_of_two(const Expr& exponent);  // exponent i32 in [-126, 127]
// factor * e^x * 2^shift with one rounding where the result is subnormal; x in [-180, 90].
Expr scaled_exp(const Expr& x, std::int64_t shift = 0, const Expr& factor = nullptr);

Expr exp_f32(const Expr& x);
Expr expm1_f32(const Expr& x);
Expr log_f32(const Expr& x);
Expr log1p_f32(const Expr& x);
Expr tanh_f32(const Expr& x);
Expr sinh_f32(const Expr& x);
Expr cosh_f32(const Expr& x);
Expr asinh_f32(const Expr& x);
Expr acosh_f32(const Expr& x);
Expr atanh_f32(const Expr& x);
Expr sin_f32(const Expr& x);
Expr cos_f32(const Expr& x);
Expr tan_f32(const Expr& x);
Expr asin_f32(const Expr& x);
Expr acos_f32(const Expr& x);
Expr atan_f32(const Expr& x);
Expr atan2_f32(const Expr& y, const Expr& x);
Expr erf_f32(const Expr& x);
Expr erfc_f32(const Expr& x);
Expr pow_f32(const Expr& x, const Expr& y);
Expr lgamma_f32(const Expr& x);
Expr rsqrt_f32(const Expr& x);

}  // namespace mica::loop
