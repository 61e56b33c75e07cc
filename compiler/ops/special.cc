// Special functions: the inverse of erf, and the logarithm of the gamma function with its derivatives.
#include <cmath>
#include <limits>
#include <numbers>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

using Function = Value (*)(Builder& b, Value x);

// c[0] + x (c[1] + x (…)).
template <std::size_t kTerms>
Value polynomial(Builder& b, Value x, const double (&c)[kTerms]) {
  Value sum = b.like(c[kTerms - 1], x);
  for (std::size_t i = kTerms - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// M. Giles' single precision approximation (GPU Computing Gems, 2011), then two steps of Newton for wider types.
Value erfinv(Builder& b, Value x) {
  constexpr double kCenter[] = {1.50140941,     0.246640727,   -0.00417768164, -0.00125372503, 0.00021858087,
                                -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,  2.81022636e-8};
  constexpr double kTail[] = {2.83297682,     1.00167406,    0.00943887047,  -0.0076224613,  0.00573950773,
                              -0.00367342844, 0.00134934322, 0.000100950558, -0.000200214257};
  Value one = b.like(1, x), size = b.abs(x), at_one = b.eq(size, one), inner = b.where(at_one, b.like(0, x), x);
  Value w = -b.log((1.0 - inner) * (1.0 + inner));
  Value center = polynomial(b, w - 2.5, kCenter), tail = polynomial(b, b.sqrt(w) - 3.0, kTail);
  Value y = b.where(b.lt(w, b.like(5, w)), center, tail) * inner;
  for (int step = 0; step < 2; ++step) {
    Value slope = b.exp(-(y * y)) * (2 * std::numbers::inv_sqrtpi);
    y = y - (b.erf(y) - inner) / slope;
  }
  return b.where(at_one, x * HUGE_VAL, y);
}

// Functions of the gamma family have a series in 1/z for large z. Arguments below 1/2 are mirrored at 1/2, and those
// left are moved up by ten.
constexpr int kShift = 10;
struct Mirrored {
  Value is_low, y;
};
Mirrored mirrored(Builder& b, Value x) {
  Value is_low = b.lt(x, b.like(0.5, x));
  return {is_low, b.where(is_low, 1.0 - x, x)};
}

Value digamma(Builder& b, Value x) {
  constexpr double kSeries[] = {-1.0 / 12, 1.0 / 120, -1.0 / 252, 1.0 / 240, -1.0 / 132, 691.0 / 32760};
  auto [is_low, y] = mirrored(b, x);
  Value z = y + static_cast<double>(kShift), inverse = 1.0 / z, square = inverse * inverse;
  Value sum = b.log(z) - 0.5 * inverse + square * polynomial(b, square, kSeries);
  for (int k = 0; k < kShift; ++k) sum = sum - 1.0 / (y + static_cast<double>(k));
  Value angle = std::numbers::pi * b.where(is_low, x, b.like(0.25, x));
  Value mirror = sum - std::numbers::pi / b.unary("tan", angle), zero = b.like(0, x);
  Value is_pole = b.call("logical_and", {b.lt(x, zero), b.eq(x, b.unary("floor", x))});
  return b.where(is_pole, b.like(std::numeric_limits<double>::quiet_NaN(), x), b.where(is_low, mirror, sum));
}

Value trigamma(Builder& b, Value x) {
  constexpr double kSeries[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730};
  auto [is_low, y] = mirrored(b, x);
  Value z = y + static_cast<double>(kShift), inverse = 1.0 / z, square = inverse * inverse;
  Value sum = inverse + 0.5 * square + inverse * square * polynomial(b, square, kSeries);
  for (int k = 0; k < kShift; ++k) {
    Value near = y + static_cast<double>(k);
    sum = sum + 1.0 / (near * near);
  }
  Value sine = b.unary("sin", std::numbers::pi * b.where(is_low, x, b.like(0.25, x)));
  return b.where(is_low, std::numbers::pi * std::numbers::pi / (sine * sine) - sum, sum);
}

Op special(std::string_view name, double low, double high) {
  Op op(name);
  op.input("x", "float")
      .fusion(FusionClass::kElementwise)
      .infer(same_as())
      .sample({.operands = {"f32[3,5]"}, .low = low, .high = high})
      .sample({.operands = {"f32[N,17]"}, .low = low, .high = high, .bindings = {{"N", 2}}})
      .sample({.operands = {"f32[0]"}});
  return op;
}

DecomposeFn by(Function function) {
  return [function](Builder& b, const Node& n) -> Values { return {function(b, n.operand(0))}; };
}

}  // namespace

void add_special_ops(Registry& r) {
  r.add(special("erfinv", -0.95, 0.95)
            .doc("The number whose erf is x; infinite at -1 and 1.")
            .mirrors("keras.ops.erfinv")
            .decompose(by(erfinv))
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Value y = n.result();
              return {g[0] * b.exp(y * y) * (0.5 / std::numbers::inv_sqrtpi)};
            })
            .fixture("torch:t_erfinv"));
  Op lgamma = special("lgamma", 0.3, 4);
  lgamma.elementwise(loop::ScalarOp::k_lgamma)
      .doc("The logarithm of the absolute value of the gamma function.")
      .mirrors("torch.lgamma")
      .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {g[0] * b.unary("digamma", n.operand(0))}; })
      .fixture("torch:t_lgamma");
  r.add(lgamma);
  r.add(special("digamma", 0.3, 4)
            .doc("The derivative of the logarithm of the gamma function.")
            .mirrors("torch.digamma")
            .decompose(by(digamma))
            .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {g[0] * trigamma(b, n.operand(0))}; })
            .fixture("torch:t_digamma"));
}

}  // namespace mica::ir
