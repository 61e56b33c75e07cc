// Exponentials and logarithms of f32, and the hyperbolic functions made of them.
#include <limits>

#include "compiler/loop/math_f32.h"

namespace mica::loop {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLog2e = 1.4426950408889634;
// ln 2 in two pieces; the first has few bits, so that its product with an exponent is exact.
constexpr double kLn2High = 0.693359375, kLn2Low = -2.12194440054690583e-4;

// log(2x) of a positive normal x, whose double may overflow.
Expr log_of_twice(const Expr& x) {
  LogParts parts = split_exponent(x);
  return log_of_parts({parts.exponent + f32(1), parts.fraction}, nullptr);
}

// 1 + x and what rounding it lost, exactly (Knuth's two-sum).
struct TwoSum {
  Expr sum, error;
};
TwoSum one_plus(const Expr& x) {
  Expr sum = x + f32(1), x_part = sum - f32(1);
  return {sum, (f32(1) - (sum - x_part)) + (x - x_part)};
}

// log(1 + x) for finite x > -1.
Expr log1p_finite(const Expr& x) {
  TwoSum u = one_plus(x);
  return log_of_parts(split_exponent(u.sum), u.error / u.sum);
}

}  // namespace

Expr polynomial(const Expr& x, std::initializer_list<double> highest_first) {
  Expr sum;
  for (double coefficient : highest_first) {
    Expr c = constant(coefficient, x->dtype);
    sum = sum == nullptr ? c : fma(sum, x, c);
  }
  return sum;
}

Expr with_sign_of(const Expr& magnitude, const Expr& sign) {
  Expr bit = op(ScalarOp::k_bit_and, {bitcast(sign, kUInt32), integer(0x80000000, kUInt32)});
  return bitcast(op(ScalarOp::k_bit_or, {bitcast(magnitude, kUInt32), bit}), kFloat32);
}

Expr at_least(const Expr& x, double low) {
  Expr bound = constant(low, x->dtype);
  return select(lt(x, bound), bound, x);
}
Expr at_most(const Expr& x, double high) {
  Expr bound = constant(high, x->dtype);
  return select(lt(bound, x), bound, x);
}

ExpParts reduce_exp(const Expr& x) {
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  constexpr double kRound = 12582912.0;
  constexpr std::int64_t kRoundBits = 0x4B400000;
  Expr shifted = fma(x, f32(kLog2e), f32(kRound));
  Expr n = shifted - f32(kRound);
  Expr r = fma(n, f32(-kLn2High), x);
  r = fma(n, f32(-kLn2Low), r);
  Expr p = polynomial(r, {0.00139337301, 0.00836671609, 0.0416664779, 0.16666542, 0.5});
  return {bitcast(shifted, kInt32) - i32(kRoundBits), fma(r * r, p, r)};
}

Expr power_of_two(const Expr& exponent) {
  return bitcast(op(ScalarOp::k_shl, {exponent + i32(127), i32(23)}), kFloat32);
}

Expr scaled_exp(const Expr& x, std::int64_t shift, const Expr& factor) {
  ExpParts parts = reduce_exp(x);
  Expr n = parts.exponent + i32(shift), half = op(ScalarOp::k_shr, {n, i32(1)});
  Expr significand = parts.expm1 + f32(1);
  if (factor != nullptr) significand = significand * factor;
  return significand * power_of_two(half) * power_of_two(n - half);
}

Expr exp_f32(const Expr& x) { return scaled_exp(at_most(at_least(x, -104), 89)); }

Expr expm1_f32(const Expr& x) {
  // 2^n (1 + q) - 1 with half of 2^n, because 2^128 is no f32.
  ExpParts parts = reduce_exp(at_most(at_least(x, -20), 89));
  Expr half = power_of_two(parts.exponent - i32(1));
  Expr result = fma(half, parts.expm1, half - f32(0.5)) * f32(2);
  return select(eq(x, f32(0)), x, result);
}

LogParts split_exponent(const Expr& x) {
  constexpr std::int64_t kSqrtHalfBits = 0x3f3504f3;
  Expr above = bitcast(x, kInt32) - i32(kSqrtHalfBits);
  Expr exponent = op(ScalarOp::k_shr, {above, i32(23)});
  Expr mantissa = op(ScalarOp::k_bit_and, {above, i32(0x7fffff)}) + i32(kSqrtHalfBits);
  return {cast(exponent, kFloat32), bitcast(mantissa, kFloat32) - f32(1)};
}

Expr log_of_parts(const LogParts& parts, const Expr& correction) {
  const Expr &e = parts.exponent, &f = parts.fraction;
  Expr p = polynomial(f, {0.0672969297, -0.116588667, 0.118866056, -0.124084711, 0.142202228, -0.166678444, 0.20002073,
                          -0.250000119, 0.333333135});
  Expr square = f * f;
  Expr tail = fma(e, f32(kLn2Low), f * square * p);
  tail = fma(square, f32(-0.5), tail);
  if (correction != nullptr) tail = tail + correction;
  return fma(e, f32(kLn2High), f + tail);
}

Expr log_f32(const Expr& x) {
  constexpr double kSmallestNormal = 0x1p-126;
  Expr is_small = lt(x, f32(kSmallestNormal));
  LogParts parts = split_exponent(select(is_small, x * f32(0x1p23), x));
  parts.exponent = parts.exponent - select(is_small, f32(23), f32(0));
  Expr finite = log_of_parts(parts, nullptr);
  Expr not_positive = select(eq(x, f32(0)), f32(-kInf), f32(kNan));
  return select(lt(f32(0), x), select(lt(x, f32(kInf)), finite, x), not_positive);
}

Expr log1p_f32(const Expr& x) {
  Expr finite = select(eq(x, f32(0)), x, log1p_finite(x));
  Expr not_above = select(eq(x, f32(-1)), f32(-kInf), f32(kNan));
  return select(lt(f32(-1), x), select(lt(x, f32(kInf)), finite, x), not_above);
}

Expr tanh_f32(const Expr& x) {
  // (e^2a - 1) / (e^2a + 1) with a = |x|; 1 from 10 on.
  Expr a = at_most(abs(x), 10);
  ExpParts parts = reduce_exp(a + a);
  Expr scale = power_of_two(parts.exponent);
  Expr m = fma(scale, parts.expm1, scale - f32(1));
  return with_sign_of(m / (m + f32(2)), x);
}

namespace {

// e^|x| / 2 does not overflow before sinh and cosh do.
Expr half_exp(const Expr& magnitude) { return scaled_exp(at_most(magnitude, 90), -1); }

}  // namespace

Expr sinh_f32(const Expr& x) {
  Expr a = abs(x), e = half_exp(a), square = a * a;
  Expr small = fma(a * square, polynomial(square, {2.7822291e-6, 0.000198428941, 0.00833331048, 0.166666672}), a);
  return with_sign_of(select(lt(a, f32(1)), small, e - f32(0.25) / e), x);
}

Expr cosh_f32(const Expr& x) {
  Expr e = half_exp(abs(x));
  return e + f32(0.25) / e;
}

Expr asinh_f32(const Expr& x) {
  constexpr double kSquareSafe = 1e8;
  Expr a = abs(x), bounded = at_most(a, kSquareSafe), square = bounded * bounded;
  Expr inner = bounded + square / (f32(1) + sqrt(square + f32(1)));
  Expr finite = select(lt(a, f32(kSquareSafe)), log1p_finite(inner), log_of_twice(a));
  return with_sign_of(select(lt(a, f32(kInf)), finite, a), x);
}

Expr acosh_f32(const Expr& x) {
  constexpr double kSquareSafe = 1e8;
  Expr t = at_most(x, kSquareSafe) - f32(1);
  Expr inner = t + sqrt(fma(t, t, t + t));
  Expr finite = select(lt(x, f32(kSquareSafe)), log1p_finite(inner), log_of_twice(x));
  return select(le(f32(1), x), select(lt(x, f32(kInf)), finite, x), f32(kNan));
}

Expr atanh_f32(const Expr& x) {
  Expr a = abs(x);
  Expr inside = log1p_finite((a + a) / (f32(1) - a)) * f32(0.5);
  Expr outside = select(eq(a, f32(1)), f32(kInf), f32(kNan));
  return with_sign_of(select(lt(a, f32(1)), inside, outside), x);
}

Expr rsqrt_f32(const Expr& x) { return f32(1) / sqrt(x); }

}  // namespace mica::loop
