// Functions of each element: arithmetic, comparison, logic, transcendental functions.
#include <cmath>
#include <limits>

#include "compiler/ops/infer.h"
#include "frontend/graph/apply.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

constexpr double kPi = 3.14159265358979323846, kDegree = kPi / 180, kLog2 = 0.69314718055994530942;

// Integers become float32.
OperationDef floating(std::string_view class_name, std::string_view op, std::string_view module = "numpy") {
  auto compute = [op](const Arguments& a) -> Tensors { return {apply(op, {to_floating(a.tensor("x"))})}; };
  return {class_name, module, {}, {"x"}, compute, {op}};
}

// Any number, its dtype kept.
OperationDef numeric(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors { return {apply(op, {a.tensor("x")})}; };
  return {class_name, "numpy", {}, {"x"}, compute, {op}};
}

// Integers are whole already.
OperationDef rounding(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    Tensor x = a.tensor("x");
    return {x.dtype().is_floating() ? apply(op, {x}) : to_floating(x)};
  };
  return {class_name, "numpy", {}, {"x"}, compute, {op}};
}

OperationDef binary(std::string_view class_name, std::string_view op, bool to_float = false) {
  auto compute = [op, to_float](const Arguments& a) -> Tensors { return {promoted(op, a, "x1", "x2", to_float)}; };
  return {class_name, "numpy", {}, {"x1", "x2"}, compute, {op}};
}

OperationDef bitwise(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors { return {promoted(op, a, "x", "y")}; };
  return {class_name, "numpy", {}, {"x", "y"}, compute, {op}};
}

Tensor truth_of(const Tensor& x) { return cast(x, kBool); }

OperationDef logical(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    return {apply(op, {truth_of(a.tensor("x1")), truth_of(a.tensor("x2"))})};
  };
  return {class_name, "numpy", {}, {"x1", "x2"}, compute, {op}};
}

OperationDef derived(std::string_view class_name, std::function<Tensor(const Tensor&)> function, SameAs same_as = {}) {
  auto compute = [function = std::move(function)](const Arguments& a) -> Tensors { return {function(a.tensor("x"))}; };
  return {class_name, "numpy", {}, {"x"}, compute, std::move(same_as)};
}

Tensors power(const Arguments& a) {
  Tensor result = promoted("pow", a, "x1", "x2", true);
  auto is_integer = [&](std::string_view name) {
    Operand given = operand(a, name);
    return given.number ? given.number->is_integral : !given.tensor.dtype().is_floating();
  };
  // The power of integers is one, which the float is nearest to.
  return {is_integer("x1") && is_integer("x2") ? cast(apply("round", {result}), kInt32) : result};
}

Tensors where_of(const Arguments& a) {
  Tensor condition = truth_of(a.tensor("condition"));
  Operand x = operand(a, "x1"), y = operand(a, "x2");
  if (x.number && y.number) return {mica::where(condition, a.tensor("x1"), a.tensor("x2"))};
  if (x.number) return {mica::where(condition, *x.number, y.tensor)};
  if (y.number) return {mica::where(condition, x.tensor, *y.number)};
  DType dtype = ir::promote(x.tensor.dtype(), y.tensor.dtype());
  return {apply("where", {condition, cast(x.tensor, dtype), cast(y.tensor, dtype)})};
}

Tensors clip(const Arguments& a) {
  Tensor x = a.tensor("x");
  Arguments lower{{"x", x}, {"bound", *a.find("x_min")}};
  Tensor raised = promoted("maximum", lower, "x", "bound");
  Arguments upper{{"x", raised}, {"bound", *a.find("x_max")}};
  return {promoted("minimum", upper, "x", "bound")};
}

Tensors round(const Arguments& a) {
  Tensor x = a.tensor("x");
  double scale = std::pow(10.0, static_cast<double>(a.integer("decimals", 0)));
  if (!x.dtype().is_floating()) return {x};
  return {scale == 1 ? apply("round", {x}) : apply("round", {x * scale}) / scale};
}

Tensors isclose(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x1")), y = to_floating(a.tensor("x2"));
  Tensor near = abs(x - y) <= abs(y) * a.real("rtol", 1e-5) + a.real("atol", 1e-8);
  Tensor same = (x == y) | (near & ~apply("isinf", {x}) & ~apply("isinf", {y}));
  return {a.truth("equal_nan") ? same | (apply("isnan", {x}) & apply("isnan", {y})) : same};
}

// Not finite numbers replaced: infinities by the largest numbers of the dtype unless others are given.
Tensors nan_to_num(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  double largest = x.dtype() == kFloat64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  Tensor infinite = apply("isinf", {x});
  Tensor y = mica::where(apply("isnan", {x}), Scalar(a.real("nan", 0.0)), x);
  y = mica::where(infinite & (x > 0), Scalar(a.real("posinf", largest)), y);
  return {mica::where(infinite & (x < 0), Scalar(a.real("neginf", -largest)), y)};
}

// 0 below zero, 1 above, x2 at zero.
Tensors heaviside(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x1"));
  Tensor at_zero = to_floating(a.tensor("x2"));
  return {mica::where(x == 0, at_zero, cast(x > 0, x.dtype()))};
}

// The choice of the first condition that holds.
Tensors select(const Arguments& a) {
  Tensors conditions = a.tensors("condlist"), choices = a.tensors("choicelist");
  Arguments first{{"condition", conditions.back()}, {"x1", choices.back()}, {"x2", *a.find("default")}};
  Tensor result = where_of(first)[0];
  for (std::size_t i = conditions.size() - 1; i-- > 0;) result = mica::where(conditions[i], choices[i], result);
  return {result};
}

}  // namespace

OperationDefs elementwise_operations() {
  OperationDefs defs = {
      binary("Add", "add"),
      binary("Subtract", "subtract"),
      binary("Multiply", "multiply"),
      binary("Divide", "divide", true),
      binary("TrueDivide", "divide", true),
      binary("FloorDivide", "floor_divide"),
      binary("Mod", "mod"),
      binary("Fmod", "fmod"),
      binary("Maximum", "maximum"),
      binary("Minimum", "minimum"),
      binary("Arctan2", "arctan2", true),
      binary("Logaddexp", "logaddexp", true),
      binary("Equal", "equal"),
      binary("NotEqual", "not_equal"),
      binary("Less", "less"),
      binary("LessEqual", "less_equal"),
      binary("Greater", "greater"),
      binary("GreaterEqual", "greater_equal"),
      bitwise("BitwiseAnd", "bitwise_and"),
      bitwise("BitwiseOr", "bitwise_or"),
      bitwise("BitwiseXor", "bitwise_xor"),
      bitwise("LeftShift", "left_shift"),
      bitwise("RightShift", "right_shift"),
      bitwise("BitwiseLeftShift", "left_shift"),
      bitwise("BitwiseRightShift", "right_shift"),
      logical("LogicalAnd", "logical_and"),
      logical("LogicalOr", "logical_or"),
      logical("LogicalXor", "logical_xor"),
      numeric("Absolute", "abs"),
      numeric("Negative", "negative"),
      numeric("Sign", "sign"),
      numeric("Square", "square"),
      rounding("Floor", "floor"),
      rounding("Ceil", "ceil"),
      rounding("Trunc", "trunc"),
      floating("Sqrt", "sqrt"),
      floating("Rsqrt", "rsqrt", "math"),
      floating("Reciprocal", "reciprocal"),
      floating("Exp", "exp"),
      floating("Exp2", "exp2"),
      floating("Expm1", "expm1"),
      floating("Log", "log"),
      floating("Log1p", "log1p"),
      floating("Log2", "log2"),
      floating("Log10", "log10"),
      floating("Sin", "sin"),
      floating("Cos", "cos"),
      floating("Tan", "tan"),
      floating("Arcsin", "arcsin"),
      floating("Arccos", "arccos"),
      floating("Arctan", "arctan"),
      floating("Sinh", "sinh"),
      floating("Cosh", "cosh"),
      floating("Tanh", "tanh"),
      floating("Arcsinh", "arcsinh"),
      floating("Arccosh", "arccosh"),
      floating("Arctanh", "arctanh"),
      floating("Erf", "erf", "math"),
      floating("Erfc", "erfc", "math"),
      floating("Erfinv", "erfinv", "math"),
      floating("Isnan", "isnan"),
      floating("Isinf", "isinf"),
      derived("Isfinite", [](const Tensor& x) { return ~(apply("isnan", {x}) | apply("isinf", {x})); }),
      derived("Isposinf", [](const Tensor& x) { return apply("isinf", {x}) & (x > 0); }),
      derived("Isneginf", [](const Tensor& x) { return apply("isinf", {x}) & (x < 0); }),
      derived("Deg2rad", [](const Tensor& x) { return to_floating(x) * kDegree; }),
      derived("Rad2deg", [](const Tensor& x) { return to_floating(x) / kDegree; }),
      derived("Cbrt",
              [](const Tensor& given) {
                Tensor x = to_floating(given);
                return sign(x) * apply_promoted("pow", abs(x), Scalar(1.0 / 3));
              }),
      derived("Fabs", [](const Tensor& x) { return abs(to_floating(x)); }),
      derived("LogicalNot", [](const Tensor& x) { return apply("logical_not", {truth_of(x)}); }, {"logical_not"}),
      derived("BitwiseNot", [](const Tensor& x) { return ~x; }, {"bitwise_not"}),
      derived("BitwiseInvert", [](const Tensor& x) { return ~x; }),
      derived("Copy", [](const Tensor& x) { return x; }),
      {"Power", "numpy", {}, {"x1", "x2"}, power, {"pow"}},
      {"Where", "numpy", {}, {"condition", "x1", "x2"}, where_of, {"where"}},
      {"Clip", "numpy", {"x_min", "x_max"}, {"x"}, clip, {"clip", {{"low", "x_min"}, {"high", "x_max"}}}},
      {"Round", "numpy", {"decimals"}, {"x"}, round, {"round"}},
      {"Isclose", "numpy", {"equal_nan"}, {"x1", "x2", "rtol", "atol"}, isclose},
      {"NanToNum", "numpy", {"nan", "posinf", "neginf"}, {"x"}, nan_to_num},
      {"Heaviside", "numpy", {}, {"x1", "x2"}, heaviside},
      {"Select", "numpy", {}, {"condlist", "choicelist", "default"}, select},
      derived("Sinc",
              [](const Tensor& given) {
                Tensor x = to_floating(given) * kPi, safe = mica::where(x == 0, 1.0, x);
                return mica::where(x == 0, 1.0, sin(safe) / safe);
              }),
      derived("Signbit", [](const Tensor& x) { return (x < 0) | (apply("reciprocal", {to_floating(x)}) < 0); }),
      {"Logaddexp2",
       "numpy",
       {},
       {"x1", "x2"},
       [](const Arguments& a) -> Tensors {
         Tensor x = to_floating(a.tensor("x1")) * kLog2, y = to_floating(a.tensor("x2")) * kLog2;
         return {apply_promoted("logaddexp", x, y) / kLog2};
       }},
      {"Hypot",
       "numpy",
       {},
       {"x1", "x2"},
       [](const Arguments& a) -> Tensors {
         Tensor x = to_floating(a.tensor("x1")), y = to_floating(a.tensor("x2"));
         return {sqrt(square(x) + square(y))};
       }},
      {"DivideNoNan",
       "numpy",
       {},
       {"x1", "x2"},
       [](const Arguments& a) -> Tensors {
         Tensor x = to_floating(a.tensor("x1")), y = to_floating(a.tensor("x2"));
         Tensor is_zero = y == 0;
         return {mica::where(is_zero, 0.0, x / mica::where(is_zero, 1.0, y))};
       }},
      {"Cast",
       "core",
       {"dtype"},
       {"x"},
       [](const Arguments& a) -> Tensors { return {cast(a.tensor("x"), a.dtype("dtype").value_or(kFloat32))}; },
       {"cast", {{"dtype", "dtype"}}}},
      {"StopGradient",
       "core",
       {},
       {"variable"},
       [](const Arguments& a) -> Tensors { return {apply("stop_gradient", {a.tensor("variable")})}; },
       {"stop_gradient"}},
  };
  return defs;
}

}  // namespace mica::internal
