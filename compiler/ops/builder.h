// Builder: typed sugar over Graph::add for decompositions, gradients and passes. Operators on Values broadcast and
// promote as the operations do.
#pragma once
#include <string_view>

#include "compiler/graph/graph.h"

namespace mica::ir {

class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(graph) {}
  Graph& graph() const { return graph_; }

  Value call(std::string_view op, Values operands, Attrs attrs = {});       // the only result
  Values call_all(std::string_view op, Values operands, Attrs attrs = {});  // all results

  // A constant of every dims: one number, splat. `like` takes the dtype, rank 0.
  Value constant(double value, DType dtype, Dims dims = {});
  Value like(double value, Value x) { return constant(value, x.dtype()); }
  Value full_like(double value, Value x) { return constant(value, x.dtype(), x.dims()); }

  Value cast(Value x, DType dtype);  // x itself when it has the dtype
  Value reshape(Value x, Dims dims);
  Value broadcast_to(Value x, Dims dims);
  Value transpose(Value x, Ints permutation);
  Value slice(Value x, int axis, Dim start, Dim stop, std::int64_t step = 1);
  Value concat(Values xs, int axis);
  Value expand_dims(Value x, int axis);
  Value squeeze(Value x, int axis);

  Value unary(std::string_view op, Value x) { return call(op, {x}); }
  Value exp(Value x) { return unary("exp", x); }
  Value log(Value x) { return unary("log", x); }
  Value log1p(Value x) { return unary("log1p", x); }
  Value sqrt(Value x) { return unary("sqrt", x); }
  Value rsqrt(Value x) { return unary("rsqrt", x); }
  Value tanh(Value x) { return unary("tanh", x); }
  Value erf(Value x) { return unary("erf", x); }
  Value abs(Value x) { return unary("abs", x); }
  Value sigmoid(Value x) { return unary("sigmoid", x); }
  Value max(Value a, Value b) { return call("maximum", {a, b}); }
  Value min(Value a, Value b) { return call("minimum", {a, b}); }
  Value pow(Value a, Value b) { return call("pow", {a, b}); }
  Value where(Value condition, Value a, Value b) { return call("where", {condition, a, b}); }
  Value eq(Value a, Value b) { return call("equal", {a, b}); }
  Value ne(Value a, Value b) { return call("not_equal", {a, b}); }
  Value lt(Value a, Value b) { return call("less", {a, b}); }
  Value le(Value a, Value b) { return call("less_equal", {a, b}); }
  Value gt(Value a, Value b) { return call("greater", {a, b}); }
  Value ge(Value a, Value b) { return call("greater_equal", {a, b}); }

  // Reductions over `axes` (empty: all).
  Value reduce(std::string_view op, Value x, Ints axes = {}, bool keepdims = false);
  Value sum(Value x, Ints axes = {}, bool keepdims = false) {
    return reduce("reduce_sum", x, std::move(axes), keepdims);
  }
  Value mean(Value x, Ints axes = {}, bool keepdims = false) {
    return reduce("reduce_mean", x, std::move(axes), keepdims);
  }
  // -inf where there are no elements.
  Value reduce_max(Value x, Ints axes = {}, bool keepdims = false) {
    return call("reduce_max", {x}, {{"axes", std::move(axes)}, {"keepdims", keepdims}, {"identity", true}});
  }

  // The number of elements folded by a reduction of x over axes, as a rank-0 value of x's dtype; symbolic dims stay
  // symbolic.
  Value count(Value x, const Ints& axes);
  // A dim as a rank-0 value.
  Value dim_value(const Dim& dim, DType dtype);

  // a · b over the last axis of a and the second to last of b, batch axes broadcast; with transposes of the two last
  // axes.
  Value matmul(Value a, Value b, bool transpose_a = false, bool transpose_b = false);

 private:
  Graph& graph_;
};

Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator-(Value a);
Value operator+(Value a, double b);
Value operator-(Value a, double b);
Value operator*(Value a, double b);
Value operator/(Value a, double b);
Value operator+(double a, Value b);
Value operator-(double a, Value b);
Value operator*(double a, Value b);
Value operator/(double a, Value b);

}  // namespace mica::ir
