#include "compiler/ops/builder.h"

#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::ir {

Value Builder::call(std::string_view name, Values operands, Attrs attrs) {
  return graph_.add(name, std::move(operands), std::move(attrs));
}

Values Builder::call_all(std::string_view name, Values operands, Attrs attrs) {
  Node* node = graph_.add(op(name), std::move(operands), std::move(attrs));
  Values results;
  for (int i = 0; i < node->num_results(); ++i) results.push_back(node->result(i));
  return results;
}

Value Builder::constant(double value, DType dtype, Dims dims) {
  return call("constant", {}, {{"value", value}, {"dtype", dtype}, {"shape", std::move(dims)}});
}

Value Builder::cast(Value x, DType dtype) { return x.dtype() == dtype ? x : call("cast", {x}, {{"dtype", dtype}}); }
Value Builder::reshape(Value x, Dims dims) {
  return x.dims() == dims ? x : call("reshape", {x}, {{"shape", std::move(dims)}});
}
Value Builder::broadcast_to(Value x, Dims dims) {
  return x.dims() == dims ? x : call("broadcast_to", {x}, {{"shape", std::move(dims)}});
}
Value Builder::transpose(Value x, Ints permutation) {
  return call("transpose", {x}, {{"permutation", std::move(permutation)}});
}

Value Builder::slice(Value x, int axis, Dim start, Dim stop, std::int64_t step) {
  return call("slice", {x},
              {{"axis", std::int64_t{axis}}, {"start", Dims{start}}, {"stop", Dims{stop}}, {"step", step}});
}

Value Builder::concat(Values xs, int axis) { return call("concat", std::move(xs), {{"axis", std::int64_t{axis}}}); }

Value Builder::expand_dims(Value x, int axis) {
  Dims dims = x.dims();
  dims.insert(dims.begin() + (axis < 0 ? axis + x.rank() + 1 : axis), Dim(1));
  return reshape(x, std::move(dims));
}

Value Builder::squeeze(Value x, int axis) {
  Dims dims = x.dims();
  dims.erase(dims.begin() + (axis < 0 ? axis + x.rank() : axis));
  return reshape(x, std::move(dims));
}

Value Builder::reduce(std::string_view name, Value x, Ints axes, bool keepdims) {
  return call(name, {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}});
}

Value Builder::dim_value(const Dim& dim, DType dtype) {
  if (dim.is_static()) return constant(static_cast<double>(dim.value()), dtype);
  return call("dim", {}, {{"dim", Dims{dim}}, {"dtype", dtype}});
}

Value Builder::count(Value x, const Ints& axes) {
  Dim n(1);
  if (axes.empty()) return dim_value(x.type().numel(), x.dtype());
  for (std::int64_t axis : axes) n = n * x.type().dim(static_cast<int>(axis));
  return dim_value(n, x.dtype());
}

Value Builder::matmul(Value a, Value b, bool transpose_a, bool transpose_b) {
  return call("matmul", {a, b}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

namespace {
Value binary(std::string_view name, Value a, Value b) { return a.node->graph().add(name, {a, b}); }
Value like(double value, Value x) { return Builder(x.node->graph()).like(value, x); }
}  // namespace

Value operator+(Value a, Value b) { return binary("add", a, b); }
Value operator-(Value a, Value b) { return binary("subtract", a, b); }
Value operator*(Value a, Value b) { return binary("multiply", a, b); }
Value operator/(Value a, Value b) { return binary("divide", a, b); }
Value operator-(Value a) { return a.node->graph().add("negative", {a}); }
Value operator+(Value a, double b) { return a + like(b, a); }
Value operator-(Value a, double b) { return a - like(b, a); }
Value operator*(Value a, double b) { return a * like(b, a); }
Value operator/(Value a, double b) { return a / like(b, a); }
Value operator+(double a, Value b) { return like(a, b) + b; }
Value operator-(double a, Value b) { return like(a, b) - b; }
Value operator*(double a, Value b) { return like(a, b) * b; }
Value operator/(double a, Value b) { return like(a, b) / b; }

}  // namespace mica::ir
