// Trigonometric functions of f32 and their inverses.
#include <limits>

#include "compiler/loop/math_f32.h"

namespace mica::loop {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.141592653589793, kHalfPi = kPi / 2;

Expr f64(double value) { return constant(value, kFloat64); }

// x = quadrant * pi/2 + r, |r| <= pi/4. In double: pi/2 to 106 bits leaves r right for every |x| < 2^51. Beyond, where
// neighbouring f32 are further apart than a period, x counts as 0 (infinities as NaN).
struct QuarterTurns {
  Expr quadrant;  // i32, the low bits of the number of quarter turns
  Expr r;
};
QuarterTurns reduce_turns(const Expr& x) {
  constexpr double kRound = 0x1.8p52, kLimit = 0x1p51;
  constexpr double kHalfPiHigh = 0x1.921fb54442d18p0, kHalfPiLow = 0x1.1a62633145c07p-54;
  Expr wide = cast(select(lt(abs(x), f32(kLimit)), x, x * f32(0)), kFloat64);
  Expr shifted = fma(wide, f64(0.6366197723675814), f64(kRound));
  Expr n = shifted - f64(kRound);
  Expr r = fma(n, f64(-kHalfPiHigh), wide);
  r = fma(n, f64(-kHalfPiLow), r);
  return {cast(bitcast(shifted, kInt64), kInt32), cast(r, kFloat32)};
}

Expr sin_poly(const Expr& r) {
  Expr square = r * r;
  return fma(r * square, polynomial(square, {2.83262943e-6, -0.000198530688, 0.0083333794, -0.166666672}), r);
}

Expr cos_poly(const Expr& r) {
  Expr square = r * r;
  Expr p = polynomial(square, {2.44323383e-5, -0.00138873095, 0.0416666456});
  return fma(square, fma(square, p, f32(-0.5)), f32(1));
}

Expr is_odd(const Expr& quadrant) { return op(ScalarOp::k_ne, {op(ScalarOp::k_bit_and, {quadrant, i32(1)}), i32(0)}); }

// The sine of a quadrant and a rest; the cosine is a quadrant further.
Expr sin_of_turns(const Expr& quadrant, const Expr& r) {
  Expr value = select(is_odd(quadrant), cos_poly(r), sin_poly(r));
  Expr sign = op(ScalarOp::k_shl, {op(ScalarOp::k_bit_and, {quadrant, i32(2)}), i32(30)});
  return bitcast(op(ScalarOp::k_bit_xor, {bitcast(value, kInt32), sign}), kFloat32);
}

// asin on [0, 1/2].
Expr asin_poly(const Expr& x) {
  Expr square = x * x;
  Expr p = polynomial(square, {0.0375878215, 0.0143825626, 0.0318243429, 0.0445146747, 0.0750051811, 0.166666597});
  return fma(x * square, p, x);
}

// atan on [0, 1].
Expr atan_poly(const Expr& x) {
  Expr square = x * x;
  Expr p = polynomial(square, {-0.00178763422, 0.0108877886, -0.0311278496, 0.05790741, -0.0840052292, 0.109511882,
                               -0.142640531, 0.19998531, -0.333332986});
  return fma(x * square, p, x);
}

}  // namespace

Expr sin_f32(const Expr& x) {
  QuarterTurns turns = reduce_turns(x);
  return select(eq(x, f32(0)), x, sin_of_turns(turns.quadrant, turns.r));
}

Expr cos_f32(const Expr& x) {
  QuarterTurns turns = reduce_turns(x);
  return sin_of_turns(turns.quadrant + i32(1), turns.r);
}

Expr tan_f32(const Expr& x) {
  QuarterTurns turns = reduce_turns(x);
  Expr s = sin_poly(turns.r), c = cos_poly(turns.r), odd = is_odd(turns.quadrant);
  return select(eq(x, f32(0)), x, select(odd, -c, s) / select(odd, s, c));
}

// Above 1/2, asin(x) = pi/2 - 2 asin(sqrt((1-x)/2)) keeps the polynomial on [0, 1/2].
Expr asin_f32(const Expr& x) {
  Expr a = abs(x), is_large = lt(f32(0.5), a);
  Expr root = sqrt((f32(1) - a) * f32(0.5));
  Expr p = asin_poly(select(is_large, root, a));
  Expr result = select(is_large, fma(p, f32(-2), f32(kHalfPi)), p);
  return with_sign_of(result, x);
}

Expr acos_f32(const Expr& x) {
  Expr a = abs(x), is_large = lt(f32(0.5), a);
  Expr root = sqrt((f32(1) - a) * f32(0.5));
  Expr p = asin_poly(select(is_large, root, a));
  Expr twice = p + p;
  Expr large = select(lt(x, f32(0)), f32(kPi) - twice, twice);
  return select(is_large, large, f32(kHalfPi) - with_sign_of(p, x));
}

Expr atan_f32(const Expr& x) {
  Expr a = abs(x), is_large = lt(f32(1), a);
  Expr p = atan_poly(select(is_large, f32(1) / a, a));
  return with_sign_of(select(is_large, f32(kHalfPi) - p, p), x);
}

Expr atan2_f32(const Expr& y, const Expr& x) {
  Expr ax = abs(x), ay = abs(y), steep = lt(ax, ay);
  Expr low = select(steep, ax, ay), high = select(steep, ay, ax);
  // 0/0 and inf/inf have the limits 0 and 1 here.
  Expr ratio = select(eq(high, f32(0)), low, select(eq(low, high), f32(1), low / high));
  Expr p = atan_poly(ratio);
  Expr angle = select(steep, f32(kHalfPi) - p, p);
  Expr left = lt(bitcast(x, kInt32), i32(0));  // -0 too
  Expr result = with_sign_of(select(left, f32(kPi) - angle, angle), y);
  Expr is_nan = logical_or(op(ScalarOp::k_is_nan, {x}), op(ScalarOp::k_is_nan, {y}));
  return select(is_nan, f32(kNan), result);
}

}  // namespace mica::loop
