// Free functions under torch's names.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"

namespace mica {

using internal::apply;
using internal::apply_promoted;
using internal::FunctionScope;
using internal::to_floating;

Tensor add(const Tensor& a, const Tensor& b) { return a + b; }
Tensor sub(const Tensor& a, const Tensor& b) { return a - b; }
Tensor mul(const Tensor& a, const Tensor& b) { return a * b; }
Tensor div(const Tensor& a, const Tensor& b) { return a / b; }
Tensor matmul(const Tensor& a, const Tensor& b) { return a.matmul(b); }
Tensor mm(const Tensor& a, const Tensor& b) {
  FunctionScope scope("mm");
  return a.matmul(b);
}
Tensor bmm(const Tensor& a, const Tensor& b) {
  FunctionScope scope("bmm");
  return a.matmul(b);
}
Tensor dot(const Tensor& a, const Tensor& b) {
  FunctionScope scope("dot");
  return a.matmul(b);
}
Tensor outer(const Tensor& a, const Tensor& b) {
  FunctionScope scope("outer");
  return a.unsqueeze(1) * b.unsqueeze(0);
}

namespace {
// Operands of one dtype, Keras' promoted one.
Tensors promoted(const Tensors& tensors, const char* where) {
  if (tensors.empty()) throw Error({.where = where, .expected = "at least one tensor", .received = "none", .hint = {}});
  DType dtype = internal::type_of(tensors[0]).dtype;
  for (const Tensor& tensor : tensors) dtype = ir::promote(dtype, internal::type_of(tensor).dtype);
  Tensors converted;
  for (const Tensor& tensor : tensors) converted.push_back(internal::cast(tensor, dtype));
  return converted;
}
}  // namespace

Tensor cat(const Tensors& tensors, int axis) {
  FunctionScope scope("cat");
  Tensors operands = promoted(tensors, "cat");
  std::int64_t at = internal::checked_axis(axis, operands[0].dim(), "cat");
  return operands.size() == 1 ? operands[0] : apply("concat", std::move(operands), {{"axis", at}});
}
Tensor stack(const Tensors& tensors, int axis) {
  FunctionScope scope("stack");
  Tensors expanded;
  for (const Tensor& tensor : promoted(tensors, "stack")) expanded.push_back(tensor.unsqueeze(axis));
  return cat(expanded, internal::checked_axis(axis, expanded[0].dim(), "stack"));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  DType dtype = ir::promote(a.dtype(), b.dtype());
  return apply("where", {internal::cast(condition, kBool), internal::cast(a, dtype), internal::cast(b, dtype)});
}
Tensor where(const Tensor& condition, const Tensor& a, Scalar b) { return where(condition, a, internal::weak(b, a)); }
Tensor where(const Tensor& condition, Scalar a, const Tensor& b) { return where(condition, internal::weak(a, b), b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply_promoted("maximum", a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply_promoted("minimum", a, b); }
Tensor clamp(const Tensor& x, std::optional<double> low, std::optional<double> high) { return x.clamp(low, high); }
Tensor pow(const Tensor& x, Scalar exponent) { return x.pow(exponent); }

Tensor exp(const Tensor& x) { return x.exp(); }
Tensor log(const Tensor& x) { return x.log(); }
Tensor log1p(const Tensor& x) { return apply("log1p", {to_floating(x)}); }
Tensor expm1(const Tensor& x) { return apply("expm1", {to_floating(x)}); }
Tensor sqrt(const Tensor& x) { return x.sqrt(); }
Tensor rsqrt(const Tensor& x) { return x.rsqrt(); }
Tensor square(const Tensor& x) { return x.square(); }
Tensor abs(const Tensor& x) { return x.abs(); }
Tensor sign(const Tensor& x) { return x.sign(); }
Tensor sin(const Tensor& x) { return apply("sin", {to_floating(x)}); }
Tensor cos(const Tensor& x) { return apply("cos", {to_floating(x)}); }
Tensor tan(const Tensor& x) { return apply("tan", {to_floating(x)}); }
Tensor tanh(const Tensor& x) { return x.tanh(); }
Tensor sigmoid(const Tensor& x) { return x.sigmoid(); }
Tensor erf(const Tensor& x) { return apply("erf", {to_floating(x)}); }
Tensor floor(const Tensor& x) { return x.floor(); }
Tensor ceil(const Tensor& x) { return x.ceil(); }
Tensor round(const Tensor& x) { return x.round(); }
Tensor relu(const Tensor& x) { return x.relu(); }
Tensor softmax(const Tensor& x, int dim) {
  FunctionScope scope("softmax");
  return x.softmax(dim);
}
Tensor sum(const Tensor& x, const Axes& dim, ReduceOptions options) {
  FunctionScope scope("sum");
  return x.sum(dim, options);
}
Tensor mean(const Tensor& x, const Axes& dim, ReduceOptions options) {
  FunctionScope scope("mean");
  return x.mean(dim, options);
}
Tensor var(const Tensor& x, const Axes& dim, VarOptions options) {
  FunctionScope scope("var");
  return x.var(dim, options);
}
Tensor argmax(const Tensor& x, std::optional<int> dim, ReduceOptions options) { return x.argmax(dim, options); }
Tensor logsumexp(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.logsumexp(dim, options); }

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol) {
  Tensor difference = (a - b).abs(), bound = b.abs() * rtol + atol;
  return (difference <= bound).all().item<bool>();
}

}  // namespace mica
