// Functions of one number. A record names its derivative; everything else follows from the ScalarOp.
#include <cmath>
#include <numbers>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

using loop::ScalarOp;

// dy/dx from x and y = f(x); null where it is 0 almost everywhere.
using Derivative = Value (*)(Builder& b, Value x, Value y);

struct Range {
  double low = -2, high = 2;
};

void sample_range(Op& op, Range range) {
  op.sample({.operands = {"f32[3,5]"}, .low = range.low, .high = range.high})
      .sample({.operands = {"f32[N,17]"}, .low = range.low, .high = range.high, .bindings = {{"N", 2}}})
      .sample({.operands = {"f32[]"}, .low = range.low, .high = range.high})
      .sample({.operands = {"f32[0]"}, .low = range.low, .high = range.high});
}

Op unary(std::string_view name, ScalarOp scalar, Derivative derivative, Range range = {},
         std::string_view dtypes = "float") {
  Op op(name);
  op.input("x", dtypes).elementwise(scalar);
  op.vjp([derivative](Builder& b, Node& n, const Values& g) -> Values {
    return {derivative ? g[0] * derivative(b, n.operand(0), n.result()) : Value{}};
  });
  sample_range(op, range);
  return op;
}

// A function of one number made of others.
Op composed(std::string_view name, Value (*function)(Builder& b, Value x), Range range = {},
            std::string_view dtypes = "float") {
  Op op(name);
  op.input("x", dtypes)
      .fusion(FusionClass::kElementwise)
      .infer([](const InferContext& c) -> absl::StatusOr<Types> { return Types{c.operand(0)}; })
      .decompose([function](Builder& b, const Node& n) -> Values { return {function(b, n.operand(0))}; });
  sample_range(op, range);
  return op;
}

void add_rounding(Registry& r) {
  r.add(unary(
            "negative", ScalarOp::k_neg, [](Builder& b, Value x, Value) { return b.like(-1, x); }, {}, "number")
            .doc("-x.")
            .mirrors("keras.ops.negative")
            .fixture("torch:t_neg"));
  r.add(unary(
            "abs", ScalarOp::k_abs, [](Builder& b, Value x, Value) { return b.unary("sign", x); }, {}, "number")
            .doc("|x|; the subgradient at 0 is 0.")
            .mirrors("keras.ops.abs")
            .fixture("torch:t_abs"));
  r.add(unary("sign", ScalarOp::k_sign, nullptr, {}, "number")
            .doc("-1, 0 or 1; NaN of NaN.")
            .mirrors("keras.ops.sign")
            .fixture("torch:t_sign"));
  r.add(unary("floor", ScalarOp::k_floor, nullptr)
            .doc("x rounded toward minus infinity.")
            .mirrors("keras.ops.floor")
            .fixture("torch:t_floor"));
  r.add(unary("ceil", ScalarOp::k_ceil, nullptr)
            .doc("x rounded toward plus infinity.")
            .mirrors("keras.ops.ceil")
            .fixture("torch:t_ceil"));
  r.add(unary("round", ScalarOp::k_round, nullptr)
            .doc("x rounded to the nearest integer, ties to even.")
            .mirrors("keras.ops.round")
            .fixture("torch:t_round"));
  r.add(unary("trunc", ScalarOp::k_trunc, nullptr)
            .doc("x rounded toward zero.")
            .mirrors("keras.ops.trunc")
            .fixture("torch:t_trunc"));
}

void add_powers(Registry& r) {
  r.add(unary("sqrt", ScalarOp::k_sqrt, [](Builder&, Value, Value y) { return 0.5 / y; }, {0.2, 3})
            .doc("Square root.")
            .mirrors("keras.ops.sqrt")
            .fixture("torch:t_sqrt"));
  r.add(unary("rsqrt", ScalarOp::k_rsqrt, [](Builder&, Value x, Value y) { return -0.5 * (y / x); }, {0.2, 3})
            .doc("1 / sqrt(x).")
            .mirrors("keras.ops.rsqrt")
            .fixture("torch:t_rsqrt"));
  r.add(unary("exp", ScalarOp::k_exp, [](Builder&, Value, Value y) { return y; })
            .doc("e to the power of x.")
            .mirrors("keras.ops.exp")
            .fixture("torch:t_exp"));
  r.add(unary("expm1", ScalarOp::k_expm1, [](Builder&, Value, Value y) { return y + 1.0; })
            .doc("exp(x) - 1, exact near 0.")
            .mirrors("keras.ops.expm1")
            .fixture("torch:t_expm1"));
  r.add(unary("log", ScalarOp::k_log, [](Builder& b, Value x, Value) { return b.unary("reciprocal", x); }, {0.2, 3})
            .doc("Natural logarithm.")
            .mirrors("keras.ops.log")
            .fixture("torch:t_log"));
  r.add(unary("log1p", ScalarOp::k_log1p, [](Builder& b, Value x, Value) { return b.unary("reciprocal", x + 1.0); },
              {-0.7, 3})
            .doc("log(1 + x), exact near 0.")
            .mirrors("keras.ops.log1p")
            .fixture("torch:t_log1p"));
  r.add(composed(
            "square", [](Builder&, Value x) { return x * x; }, {}, "number")
            .doc("x * x.")
            .mirrors("keras.ops.square")
            .fixture("torch:t_square"));
  r.add(composed("reciprocal", [](Builder&, Value x) { return 1.0 / x; }, {0.5, 2})
            .doc("1 / x.")
            .mirrors("keras.ops.reciprocal")
            .fixture("torch:t_reciprocal"));
  r.add(composed("exp2", [](Builder& b, Value x) { return b.exp(x * std::numbers::ln2); })
            .doc("2 to the power of x.")
            .mirrors("keras.ops.exp2")
            .fixture("torch:t_exp2"));
  r.add(composed("log2", [](Builder& b, Value x) { return b.log(x) * std::numbers::log2e; }, {0.2, 3})
            .doc("Logarithm to base 2.")
            .mirrors("keras.ops.log2")
            .fixture("torch:t_log2"));
  r.add(composed("log10", [](Builder& b, Value x) { return b.log(x) * std::numbers::log10e; }, {0.2, 3})
            .doc("Logarithm to base 10.")
            .mirrors("keras.ops.log10")
            .fixture("torch:t_log10"));
}

void add_trigonometry(Registry& r) {
  r.add(unary("sin", ScalarOp::k_sin, [](Builder& b, Value x, Value) { return b.unary("cos", x); })
            .doc("Sine of x radians.")
            .mirrors("keras.ops.sin")
            .fixture("torch:t_sin"));
  r.add(unary("cos", ScalarOp::k_cos, [](Builder& b, Value x, Value) { return -b.unary("sin", x); })
            .doc("Cosine of x radians.")
            .mirrors("keras.ops.cos")
            .fixture("torch:t_cos"));
  r.add(unary("tan", ScalarOp::k_tan, [](Builder&, Value, Value y) { return 1.0 + y * y; }, {-1.2, 1.2})
            .doc("Tangent of x radians.")
            .mirrors("keras.ops.tan")
            .fixture("torch:t_tan"));
  r.add(unary("arcsin", ScalarOp::k_asin, [](Builder& b, Value x, Value) { return b.rsqrt(1.0 - x * x); }, {-0.9, 0.9})
            .doc("The angle in [-pi/2, pi/2] whose sine is x.")
            .mirrors("keras.ops.arcsin")
            .fixture("torch:t_asin"));
  r.add(unary("arccos", ScalarOp::k_acos, [](Builder& b, Value x, Value) { return -b.rsqrt(1.0 - x * x); }, {-0.9, 0.9})
            .doc("The angle in [0, pi] whose cosine is x.")
            .mirrors("keras.ops.arccos")
            .fixture("torch:t_acos"));
  r.add(unary("arctan", ScalarOp::k_atan, [](Builder&, Value x, Value) { return 1.0 / (1.0 + x * x); })
            .doc("The angle in (-pi/2, pi/2) whose tangent is x.")
            .mirrors("keras.ops.arctan")
            .fixture("torch:t_atan"));
  r.add(unary("sinh", ScalarOp::k_sinh, [](Builder& b, Value x, Value) { return b.unary("cosh", x); })
            .doc("Hyperbolic sine.")
            .mirrors("keras.ops.sinh")
            .fixture("torch:t_sinh"));
  r.add(unary("cosh", ScalarOp::k_cosh, [](Builder& b, Value x, Value) { return b.unary("sinh", x); })
            .doc("Hyperbolic cosine.")
            .mirrors("keras.ops.cosh")
            .fixture("torch:t_cosh"));
  r.add(unary("tanh", ScalarOp::k_tanh, [](Builder&, Value, Value y) { return 1.0 - y * y; })
            .doc("Hyperbolic tangent.")
            .mirrors("keras.activations.tanh")
            .fixture("torch:tanh"));
  r.add(unary("arcsinh", ScalarOp::k_asinh, [](Builder& b, Value x, Value) { return b.rsqrt(x * x + 1.0); })
            .doc("Inverse hyperbolic sine.")
            .mirrors("keras.ops.arcsinh")
            .fixture("torch:t_asinh"));
  r.add(unary("arccosh", ScalarOp::k_acosh, [](Builder& b, Value x, Value) { return b.rsqrt(x * x - 1.0); }, {1.2, 3})
            .doc("Inverse hyperbolic cosine of x >= 1.")
            .mirrors("keras.ops.arccosh")
            .fixture("torch:t_acosh"));
  r.add(unary("arctanh", ScalarOp::k_atanh, [](Builder&, Value x, Value) { return 1.0 / (1.0 - x * x); }, {-0.9, 0.9})
            .doc("Inverse hyperbolic tangent.")
            .mirrors("keras.ops.arctanh")
            .fixture("torch:t_atanh"));
}

void add_special(Registry& r) {
  constexpr double kTwoOverSqrtPi = 2 * std::numbers::inv_sqrtpi;
  r.add(unary("erf", ScalarOp::k_erf, [](Builder& b, Value x, Value) { return kTwoOverSqrtPi * b.exp(-(x * x)); })
            .doc("The error function.")
            .mirrors("keras.ops.erf")
            .fixture("torch:t_erf"));
  r.add(unary("erfc", ScalarOp::k_erfc, [](Builder& b, Value x, Value) { return -kTwoOverSqrtPi * b.exp(-(x * x)); })
            .doc("1 - erf(x), exact for large x.")
            .mirrors("keras.ops.erfc")
            .fixture("torch:t_erfc"));
}

}  // namespace

void add_math_ops(Registry& r) {
  add_rounding(r);
  add_powers(r);
  add_trigonometry(r);
  add_special(r);
}

}  // namespace mica::ir
