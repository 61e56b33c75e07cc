// Error functions, powers and the logarithm of the gamma function of f32.
#include <limits>

#include "compiler/loop/math_f32.h"

namespace mica::loop {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2 = 0.6931471805599453;

Expr f64(double value) { return constant(value, kFloat64); }
Expr i64(std::int64_t value) { return integer(value, kInt64); }
Expr floor(const Expr& x) { return op(ScalarOp::k_floor, {x}); }

// log2 in double of a positive normal finite f64, relative error 3e-16.
Expr log2_f64(const Expr& x) {
  constexpr std::int64_t kSqrtHalfBits = 0x3fe6a09e667f3bcd, kMantissa = 0xfffffffffffff;
  constexpr std::int64_t kBias = std::int64_t{2048} << 52;  // keeps the exponent positive under a logical shift
  Expr above = bitcast(x, kInt64) - i64(kSqrtHalfBits) + i64(kBias);
  Expr exponent = op(ScalarOp::k_shr, {bitcast(above, kUInt64), integer(52, kUInt64)});
  // An integer below 2^52 under the exponent of 2^52 is the f64 2^52 + integer.
  Expr as_float = bitcast(op(ScalarOp::k_bit_or, {exponent, integer(0x4330000000000000, kUInt64)}), kFloat64);
  Expr e = as_float - f64(0x1p52 + 2048);
  Expr m = bitcast(op(ScalarOp::k_bit_and, {above, i64(kMantissa)}) + i64(kSqrtHalfBits), kFloat64);
  Expr s = (m - f64(1)) / (m + f64(1));
  Expr p = polynomial(s * s, {0.24288413629221425, 0.26144743102599144, 0.32061626586270991, 0.4121984043139631,
                              0.57707801722579821, 0.9617966939244148, 2.8853900817779272});
  return fma(s, p, e);
}

// 2^x for x in [-1000, 1000], relative error 4e-11.
Expr exp2_f64(const Expr& x) {
  constexpr double kRound = 0x1.8p52;
  Expr shifted = x + f64(kRound);
  Expr r = x - (shifted - f64(kRound));
  Expr p = polynomial(r, {1.5201818450161021e-5, 0.00015469316700797591, 0.0013333923203788542, 0.0096180271747977747,
                          0.055504103524021346, 0.24022651198736811, 0.69314718072884807, 0.99999999996162303});
  Expr n = bitcast(shifted, kInt64) - i64(0x4338000000000000);
  Expr scale = bitcast(op(ScalarOp::k_shl, {n + i64(1023), i64(52)}), kFloat64);
  return p * scale;
}

// erf for |x| < 0.92.
Expr erf_small(const Expr& x) {
  Expr p = polynomial(x * x, {-0.000600414933, 0.00499591883, -0.0267686192, 0.112818778, -0.376125008, 0.128379151});
  return fma(x, p, x);
}

// erf on [0.9, 3.93], around the middle. A quotient of two polynomials is shorter but errs by 5 ulp.
Expr erf_large(const Expr& x) {
  return polynomial(x - f32(2.25), {1.30838589e-6, -3.89270963e-6, -1.35712298e-5, 6.88671716e-5, -3.11934455e-5,
                                    -0.00037180545, 0.00102297147, -0.000670149864, -0.00291966507, 0.0106579363,
                                    -0.0190783534, 0.0217245109, -0.0160708874, 0.00714231189, 0.998537302});
}

}  // namespace

Expr erf_f32(const Expr& x) {
  Expr a = at_most(abs(x), 3.93);  // where the nearest f32 is 1
  return with_sign_of(select(lt(a, f32(0.91)), erf_small(a), erf_large(a)), x);
}

// Right of 0.7: e^(-x^2) u P(u) with u = 1 / (1 + x/2), the square kept to twice the precision.
Expr erfc_f32(const Expr& x) {
  Expr a = at_most(abs(x), 10.5);
  Expr high = a * a, low = fma(a, a, -high);
  Expr u = f32(1) / fma(a, f32(0.5), f32(1));
  Expr p = polynomial(u, {-0.0627021417, 0.301648706, -0.520425498, 0.313076645, -0.0484596975, 0.210927397,
                          0.241269156, 0.282595247, 0.282075554});
  Expr g = u * p;
  Expr tail = scaled_exp(-high, 0, fma(-low, g, g));
  Expr outside = select(lt(x, f32(0)), f32(2) - tail, tail);
  return select(lt(a, f32(0.7)), f32(1) - erf_small(x), outside);
}

// 2^(y log2|x|) in double: one rounding to f32, and subnormal results and overflow by the cast.
Expr pow_f32(const Expr& x, const Expr& y) {
  Expr a = abs(x), wide = cast(a, kFloat64), exponent = cast(y, kFloat64);
  Expr log2 = select(eq(a, f32(0)), f64(-kInf), select(lt(a, f32(kInf)), log2_f64(wide), wide));
  Expr product = at_most(at_least(exponent * log2, -200), 200);
  Expr magnitude = cast(exp2_f64(product), kFloat32);

  Expr half = y * f32(0.5);
  Expr is_integer = eq(floor(y), y);
  Expr is_odd = logical_and(is_integer, op(ScalarOp::k_ne, {floor(half), half}));
  Expr is_negative = lt(bitcast(x, kInt32), i32(0));  // -0 too
  Expr result = select(logical_and(is_negative, is_odd), -magnitude, magnitude);
  Expr has_no_power = logical_and(logical_and(lt(x, f32(0)), lt(f32(-kInf), x)), op(ScalarOp::k_bit_not, {is_integer}));
  result = select(has_no_power, f32(kNan), result);
  // 1^y and x^0 are 1 whatever the other is; (-1)^±inf too.
  Expr unit_at_infinity = logical_and(eq(x, f32(-1)), op(ScalarOp::k_is_inf, {y}));
  Expr is_one = logical_or(logical_or(eq(x, f32(1)), eq(y, f32(0))), unit_at_infinity);
  return select(is_one, f32(1), result);
}

namespace {

// log|gamma| of x in (0, 3) from its two zeros: (t-1)(t-2) P(t) on [1, 2], one step of the recurrence left and right.
Expr lgamma_low(const Expr& x, const Expr& log2_x, const Expr& log2_below) {
  Expr left = lt(x, f64(1)), right = lt(f64(2), x);
  Expr t = select(left, x + f64(1), select(right, x - f64(1), x));
  Expr step = select(left, -log2_x, select(right, log2_below, f64(0))) * f64(kLn2);
  Expr p = polynomial(t - f64(1.5),
                      {-0.00060790270608607796, 0.00095915921962614931, -0.0011075229364106627, 0.0018487835080889259,
                       -0.0032209211601979173, 0.0054563726889428846, -0.0094249620559853694, 0.016796506622975778,
                       -0.031308508504183201, 0.062911413919221296, -0.14595989572404999, 0.48312895049608129});
  return fma((t - f64(1)) * (t - f64(2)), p, step);
}

// Stirling's series at x + 5, five steps of the recurrence back.
Expr lgamma_high(const Expr& x) {
  constexpr double kHalfLog2Pi = 0.91893853320467274178;
  Expr far = lt(f64(100), x);  // the steps back would overflow, and the series needs none
  Expr z = select(far, x, x + f64(5));
  Expr product = x * (x + f64(1)) * (x + f64(2)) * (x + f64(3)) * (x + f64(4));
  Expr back = select(far, f64(0), log2_f64(select(far, f64(1), product)));
  Expr inverse = f64(1) / z;
  Expr series = inverse * polynomial(inverse * inverse, {-1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12});
  return fma(z - f64(0.5), log2_f64(z) * f64(kLn2), f64(kHalfLog2Pi) - z) + series - back * f64(kLn2);
}

// |sin(pi x)| for x >= 0 in double: the distance to the nearest integer is exact.
Expr sin_pi(const Expr& x) {
  Expr d = op(ScalarOp::k_abs, {x - op(ScalarOp::k_round, {x})}) * f64(3.141592653589793);
  Expr square = d * d;
  Expr p = polynomial(square, {-7.6429178e-13, 1.6059044e-10, -2.5052108385441718e-8, 2.7557319223985893e-6,
                               -1.984126984126984e-4, 8.333333333333333e-3, -0.16666666666666666});
  return fma(d * square, p, d);
}

}  // namespace

// In double throughout, so that the zeros at 1 and 2 keep their relative precision.
Expr lgamma_f32(const Expr& x) {
  Expr finite = select(lt(abs(x), f32(kInf)), x, f32(1));
  Expr wide = cast(finite, kFloat64), a = op(ScalarOp::k_abs, {wide});
  Expr positive = at_least(a, 0x1p-149);
  Expr below = at_least(positive - f64(1), 0x1p-149);
  Expr right = select(lt(positive, f64(3)), lgamma_low(positive, log2_f64(positive), log2_f64(below)),
                      lgamma_high(at_least(positive, 3)));
  // log(pi / (|x| sin(pi |x|))) - lgamma(|x|) left of 0.
  constexpr double kLog2Pi = 1.6514961294723187;
  Expr reflected = (f64(kLog2Pi) - log2_f64(at_least(positive * sin_pi(positive), 0x1p-400))) * f64(kLn2) - right;
  Expr result = cast(select(lt(wide, f64(0)), reflected, right), kFloat32);
  Expr is_pole = logical_and(le(x, f32(0)), eq(floor(x), x));
  Expr is_infinite = logical_or(is_pole, op(ScalarOp::k_is_inf, {x}));
  return select(is_infinite, f32(kInf), select(op(ScalarOp::k_is_nan, {x}), x, result));
}

}  // namespace mica::loop
