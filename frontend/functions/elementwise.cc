// torch.* functions of numbers, one element at a time.
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::apply_promoted;
using internal::FunctionScope;
using internal::to_floating;

namespace {
Tensor of_number(std::string_view op, const Tensor& x) { return apply(op, {to_floating(x)}); }
Tensor of_truth(std::string_view op, const Tensor& x, const Tensor& other) {
  return apply(op, {internal::cast(x, kBool), internal::cast(other, kBool)});
}
}  // namespace

Tensor acos(const Tensor& x) { return of_number("arccos", x); }
Tensor acosh(const Tensor& x) { return of_number("arccosh", x); }
Tensor asin(const Tensor& x) { return of_number("arcsin", x); }
Tensor asinh(const Tensor& x) { return of_number("arcsinh", x); }
Tensor atan(const Tensor& x) { return of_number("arctan", x); }
Tensor atanh(const Tensor& x) { return of_number("arctanh", x); }
Tensor cosh(const Tensor& x) { return of_number("cosh", x); }
Tensor digamma(const Tensor& x) { return of_number("digamma", x); }
Tensor erfc(const Tensor& x) { return of_number("erfc", x); }
Tensor erfinv(const Tensor& x) { return of_number("erfinv", x); }
Tensor exp2(const Tensor& x) { return of_number("exp2", x); }
Tensor frac(const Tensor& x) { return x - trunc(x); }
Tensor isfinite(const Tensor& x) { return of_number("isfinite", x); }
Tensor isinf(const Tensor& x) { return of_number("isinf", x); }
Tensor isnan(const Tensor& x) { return of_number("isnan", x); }
Tensor lgamma(const Tensor& x) { return of_number("lgamma", x); }
Tensor log10(const Tensor& x) { return of_number("log10", x); }
Tensor log2(const Tensor& x) { return of_number("log2", x); }
Tensor logical_not(const Tensor& x) { return apply("logical_not", {internal::cast(x, kBool)}); }
Tensor logit(const Tensor& x, std::optional<double> eps) {
  FunctionScope scope("logit");
  Tensor p = eps ? to_floating(x).clamp(*eps, 1 - *eps) : to_floating(x);
  return (p / (1 - p)).log();
}
Tensor neg(const Tensor& x) { return -x; }
Tensor reciprocal(const Tensor& x) { return of_number("reciprocal", x); }
Tensor sinc(const Tensor& x) {
  FunctionScope scope("sinc");
  Tensor at_zero = x == 0, angle = where(at_zero, 1.0, to_floating(x)) * std::numbers::pi;
  return where(at_zero, 1.0, sin(angle) / angle);
}
Tensor sinh(const Tensor& x) { return of_number("sinh", x); }
Tensor trunc(const Tensor& x) { return apply("trunc", {x}); }

namespace {
double largest_of(DType dtype) {
  if (dtype == kFloat64) return std::numeric_limits<double>::max();
  if (dtype == kFloat16) return 65504;
  return dtype == kBFloat16 ? 0x1.FEp127 : static_cast<double>(std::numeric_limits<float>::max());
}
}  // namespace

Tensor nan_to_num(const Tensor& x, NanToNumOptions options) {
  FunctionScope scope("nan_to_num");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double largest = largest_of(x.dtype());
  Tensor y = where(isnan(x), options.nan, x);
  y = where(y == kInfinity, options.posinf.value_or(largest), y);
  return where(y == -kInfinity, options.neginf.value_or(-largest), y);
}

Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  FunctionScope scope("clamp");
  Tensor y = x;  // x passes the gradient at its bounds
  if (low.defined()) y = where(y >= low, y, low);
  if (high.defined()) y = where(y <= high, y, high);
  return y;
}

Tensor add(const Tensor& x, const Tensor& other, AlphaOptions options) { return x + other * options.alpha; }
Tensor sub(const Tensor& x, const Tensor& other, AlphaOptions options) { return x - other * options.alpha; }
Tensor div(const Tensor& x, const Tensor& other, DivOptions options) {
  FunctionScope scope("div");
  if (options.rounding_mode.empty()) return x / other;
  if (options.rounding_mode == "floor") return apply_promoted("floor_divide", x, other);
  if (options.rounding_mode == "trunc") return trunc(x / other).to(ir::promote(x.dtype(), other.dtype()));
  throw Error({.where = internal::current_place(),
               .expected = "rounding_mode trunc or floor",
               .received = absl::StrCat("\"", options.rounding_mode, "\""),
               .hint = {}});
}
Tensor addcdiv(const Tensor& x, const Tensor& tensor1, const Tensor& tensor2, ValueOptions options) {
  return x + tensor1 / tensor2 * options.value;
}
Tensor addcmul(const Tensor& x, const Tensor& tensor1, const Tensor& tensor2, ValueOptions options) {
  return x + tensor1 * tensor2 * options.value;
}
Tensor atan2(const Tensor& x, const Tensor& other) { return apply_promoted("arctan2", x, other, /*to_float=*/true); }
Tensor eq(const Tensor& x, const Tensor& other) { return x == other; }
Tensor fmod(const Tensor& x, const Tensor& other) { return apply_promoted("fmod", x, other); }
Tensor ge(const Tensor& x, const Tensor& other) { return x >= other; }
Tensor gt(const Tensor& x, const Tensor& other) { return x > other; }
Tensor hypot(const Tensor& x, const Tensor& other) {
  FunctionScope scope("hypot");
  return (x * x + other * other).sqrt();
}
Tensor le(const Tensor& x, const Tensor& other) { return x <= other; }
Tensor lerp(const Tensor& x, const Tensor& end, const Tensor& weight) { return x + weight * (end - x); }
Tensor lerp(const Tensor& x, const Tensor& end, double weight) { return x + weight * (end - x); }
Tensor logaddexp(const Tensor& x, const Tensor& other) {
  return apply_promoted("logaddexp", x, other, /*to_float=*/true);
}
Tensor logical_and(const Tensor& x, const Tensor& other) { return of_truth("logical_and", x, other); }
Tensor logical_or(const Tensor& x, const Tensor& other) { return of_truth("logical_or", x, other); }
Tensor logical_xor(const Tensor& x, const Tensor& other) { return of_truth("logical_xor", x, other); }
Tensor lt(const Tensor& x, const Tensor& other) { return x < other; }
Tensor ne(const Tensor& x, const Tensor& other) { return x != other; }
Tensor pow(const Tensor& x, const Tensor& exponent) { return x.pow(exponent); }
Tensor remainder(const Tensor& x, const Tensor& other) { return apply_promoted("mod", x, other); }

}  // namespace mica
