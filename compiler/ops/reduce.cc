// Reductions over axes of one operand, and what is built from them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;
using loop::Reducer;

Op over_axes(std::string_view name, std::string_view dtypes) {
  Op op(name);
  op.input("x", dtypes)
      .attr("axes", Ints{}, "the axes to fold; empty: all")
      .attr("keepdims", false, "whether folded axes stay, with 1 element")
      .infer([](const InferContext& c) -> absl::StatusOr<Types> {
        const TensorType& x = c.operand(0);
        return one_result(x.dtype, reduced_dims(x, c.attrs.ints("axes"), c.attrs.flag("keepdims")));
      });
  return op;
}

void sample_axes(Op& op, double low, double high) {
  op.sample({.operands = {"f32[3,5]"}, .low = low, .high = high})
      .sample({.operands = {"f32[4,3,17]"}, .attrs = {{"axes", Ints{-1}}}, .low = low, .high = high})
      .sample({.operands = {"f32[N,3,5]"},
               .attrs = {{"axes", Ints{0, 2}}, {"keepdims", true}},
               .low = low,
               .high = high,
               .bindings = {{"N", 4}}});
}

// The index of the operand from that of the result and of the folded axes.
template <class Index>
std::vector<Index> operand_index(const std::vector<Index>& kept, const std::vector<Index>& folded, const Ints& axes,
                                 std::size_t rank, bool keepdims) {
  std::vector<Index> index;
  std::size_t next_folded = 0, next_kept = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    bool is_folded = next_folded < axes.size() && axes[next_folded] == static_cast<std::int64_t>(axis);
    index.push_back(is_folded ? folded[next_folded++] : kept[next_kept]);
    if (!is_folded || keepdims) ++next_kept;
  }
  return index;
}

// Half precision is summed in float32.
DType accumulator(DType dtype) { return dtype.is_floating() && dtype.bytes() == 2 ? kFloat32 : dtype; }

DefineFn fold(Reducer reducer) {
  return [reducer](const DefineContext& c, int, const Exprs& index) {
    const TensorType& x = c.operands[0];
    Ints axes = axes_of(c.attrs, x.rank());
    Dims extents;
    for (std::int64_t axis : axes) extents.push_back(x.dim(static_cast<int>(axis)));
    Expr folded = c.reduce(reducer, extents, [&](const Exprs& vars) {
      Expr read = c.read(0, operand_index(index, vars, axes, x.dims.size(), c.attrs.flag("keepdims")));
      return loop::cast(read, accumulator(x.dtype));
    });
    return loop::cast(folded, x.dtype);
  };
}

ReferenceFn fold_reference(double start, double (*step)(double, double)) {
  return each_element([start, step](const RefContext& c, const Ints& index) {
    const RefTensor& x = *c.operands[0];
    Ints axes = axes_of(c.attrs, static_cast<int>(x.dims.size())), extents;
    for (std::int64_t axis : axes) extents.push_back(x.dims[static_cast<std::size_t>(axis)]);
    double folded = start;
    for_each_index(extents, [&](const Ints& vars) {
      folded = step(folded, element(x, operand_index(index, vars, axes, x.dims.size(), c.attrs.flag("keepdims"))));
    });
    return folded;
  });
}

// A value of the reduction's result, stretched over the operand again.
Value spread(Builder& b, const Node& node, Value folded) {
  const Dims& dims = node.operand(0).dims();
  return b.broadcast_to(b.reshape(folded, keep_dims(dims, axes_of(node.attrs(), node.operand(0).rank()))), dims);
}

// The gradient of an extremum, shared evenly among equal elements.
Values vjp_extremum(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0);
  Value taken = b.cast(b.eq(x, spread(b, node, node.result())), x.dtype());
  Value ties = b.sum(taken, axes_of(node.attrs(), x.rank()), true);
  return {spread(b, node, grads[0]) * taken / ties};
}

// The gradient of a product at x_i is the product of the others: no division, so that zeros need no special case. The
// folded axes become one last axis of n elements, and the others of x_i are row i of an [n,n] table.
Values vjp_product(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0);
  Ints folded = axes_of(node.attrs(), x.rank()), order;
  Dims kept_dims;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (std::find(folded.begin(), folded.end(), axis) != folded.end()) continue;
    order.push_back(axis);
    kept_dims.push_back(x.type().dim(axis));
  }
  order.insert(order.end(), folded.begin(), folded.end());
  Value last = b.transpose(x, order);
  Dim n(1);
  for (std::int64_t axis : folded) n = n * x.type().dim(static_cast<int>(axis));
  Dims flat = kept_dims, row = kept_dims;
  flat.push_back(n);
  row.insert(row.end(), {Dim(1), n});
  auto position = [&](std::int64_t axis) {
    return b.call("iota", {}, {{"shape", Dims{n, n}}, {"axis", axis}, {"dtype", kInt32}});
  };
  Value others = b.where(b.eq(position(0), position(1)), b.like(1, x), b.reshape(last, row));
  Value product = b.reshape(b.reduce("reduce_prod", others, {-1}), last.dims());
  Ints inverse(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return {spread(b, node, grads[0]) * b.transpose(product, inverse)};
}

Op primitive_fold(std::string_view name, std::string_view dtypes, Reducer reducer, double start,
                  double (*step)(double, double)) {
  Op op = over_axes(name, dtypes);
  op.fusion(FusionClass::kReduction).define(fold(reducer)).reference(fold_reference(start, step));
  if (dtypes == "bool") {
    op.sample({.operands = {"bool[3,5]"}})
        .sample({.operands = {"bool[4,N]"}, .attrs = {{"axes", Ints{1}}}, .bindings = {{"N", 3}}})
        .not_differentiable("boolean result");
  } else {
    sample_axes(op, -2, 2);
    op.sample({.operands = {"f32[7,1]"}, .attrs = {{"axes", Ints{1}}}})
        .sample({.operands = {"i32[5,7]:-9..9"}, .attrs = {{"axes", Ints{0}}}});
  }
  return op;
}

// Of no elements there is none, which is an error; what is built on extremes may ask for the reducer's identity.
Op extremum_fold(std::string_view name, Reducer reducer, double identity, double (*step)(double, double)) {
  Op op = primitive_fold(name, "number", reducer, identity, step);
  op.attr("identity", false, "whether the extremum of no elements is an infinity, the identity; else it is an error")
      .bounds([](const InferContext& c) {
        if (c.attrs.flag("identity")) return std::vector<Bound>();
        return bounds_of_folded(c.operand(0), c.attrs.ints("axes"));
      })
      .vjp(vjp_extremum)
      .sample({.operands = {"f32[3,N]"}, .attrs = {{"axes", Ints{1}}, {"identity", true}}, .bindings = {{"N", 4}}});
  return op;
}

void add_folds(Registry& r) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  r.add(primitive_fold("reduce_sum", "number", Reducer::kSum, 0, [](double a, double x) { return a + x; })
            .doc("Sum over axes.")
            .mirrors("keras.ops.sum")
            .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {spread(b, n, g[0])}; })
            .fixture("torch:t_sum_dim1"));
  r.add(primitive_fold("reduce_prod", "number", Reducer::kProd, 1, [](double a, double x) { return a * x; })
            .doc("Product over axes.")
            .mirrors("keras.ops.prod")
            .vjp(vjp_product)
            .fixture("torch:t_prod_dim1"));
  r.add(extremum_fold("reduce_max", Reducer::kMax, -kInfinity,
                      [](double a, double x) { return a >= x || std::isnan(a) ? a : x; })
            .doc("Largest element over axes; NaN when one is. Equal elements share the gradient evenly.")
            .mirrors("keras.ops.max")
            .fixture("torch:t_amax_dim1"));
  r.add(extremum_fold("reduce_min", Reducer::kMin, kInfinity,
                      [](double a, double x) { return a <= x || std::isnan(a) ? a : x; })
            .doc("Smallest element over axes; NaN when one is. Equal elements share the gradient evenly.")
            .mirrors("keras.ops.min")
            .fixture("torch:t_amin_dim1"));
  r.add(primitive_fold("reduce_any", "bool", Reducer::kAny, 0,
                       [](double a, double x) { return a != 0 || x != 0 ? 1.0 : 0.0; })
            .doc("Whether one element over axes is true.")
            .mirrors("keras.ops.any")
            .fixture("torch:t_any"));
  r.add(primitive_fold("reduce_all", "bool", Reducer::kAll, 1,
                       [](double a, double x) { return a != 0 && x != 0 ? 1.0 : 0.0; })
            .doc("Whether all elements over axes are true.")
            .mirrors("keras.ops.all")
            .fixture("torch:t_all"));
}

Op composite_fold(std::string_view name, DecomposeFn decompose) {
  Op op = over_axes(name, "float");
  op.fusion(FusionClass::kReduction).decompose(std::move(decompose));
  sample_axes(op, -2, 2);
  return op;
}

Value variance(Builder& b, const Node& node) {
  Value x = node.operand(0);
  Ints axes = axes_of(node.attrs(), x.rank());
  Value centered = x - b.mean(x, axes, true);
  Value folded = b.count(x, axes) - node.attrs().number("correction");
  return b.sum(centered * centered, axes, node.attrs().flag("keepdims")) / folded;
}

// What x adds to the mean cancels out: only its own distance from it counts.
Values vjp_variance(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0);
  Ints axes = axes_of(node.attrs(), x.rank());
  Value folded = b.count(x, axes) - node.attrs().number("correction");
  Value slope = grads[0] * 2 / folded;
  return {spread(b, node, slope) * (x - b.mean(x, axes, true))};
}

// log(sum(exp(x))) with the largest element taken out first. Where that is infinite nothing is taken out.
Values logsumexp(Builder& b, const Node& node) {
  Value x = node.operand(0);
  Ints axes = axes_of(node.attrs(), x.rank());
  Value largest = b.reduce_max(x, axes, true);
  Value shift = b.where(b.unary("isinf", largest), b.like(0, x), largest);
  Value y = b.log(b.sum(b.exp(x - shift), axes, true)) + shift;
  return {b.reshape(y, node.result_types()[0].dims)};
}

Values vjp_logsumexp(Builder& b, Node& node, const Values& grads) {
  Value y = node.result(), minus_infinity = b.like(-std::numeric_limits<double>::infinity(), y);
  Value finite = b.where(b.eq(y, minus_infinity), b.like(0, y), y);
  return {spread(b, node, grads[0]) * b.exp(node.operand(0) - spread(b, node, finite))};
}

void add_statistics(Registry& r) {
  r.add(composite_fold("reduce_mean",
                       [](Builder& b, const Node& n) -> Values {
                         Ints axes = axes_of(n.attrs(), n.operand(0).rank());
                         return {b.sum(n.operand(0), axes, n.attrs().flag("keepdims")) / b.count(n.operand(0), axes)};
                       })
            .doc("Mean over axes.")
            .mirrors("keras.ops.mean")
            .fixture("torch:t_mean_dim1"));
  r.add(composite_fold("reduce_variance", [](Builder& b, const Node& n) -> Values { return {variance(b, n)}; })
            .doc("Mean squared distance from the mean over axes.")
            .vjp(vjp_variance)
            .mirrors("keras.ops.var")
            .attr("correction", 0.0, "subtracted from the count (PyTorch's default is 1, Keras' 0)")
            .sample({.operands = {"f32[4,6]"}, .attrs = {{"axes", Ints{1}}, {"correction", 1.0}}})
            .fixture("torch:t_var_dim1"));
  r.add(composite_fold("reduce_std", [](Builder& b, const Node& n) -> Values { return {b.sqrt(variance(b, n))}; })
            .doc("Square root of the variance over axes.")
            .mirrors("keras.ops.std")
            .attr("correction", 0.0, "subtracted from the count (PyTorch's default is 1, Keras' 0)")
            .sample({.operands = {"f32[4,6]"}, .attrs = {{"axes", Ints{1}}, {"correction", 1.0}}})
            .fixture("torch:t_std_dim1"));
  r.add(composite_fold("logsumexp", logsumexp)
            .doc("log(sum(exp(x))) over axes, without overflow.")
            .mirrors("keras.ops.logsumexp")
            .vjp(vjp_logsumexp)
            .sample({.operands = {"f32[3,5]"}, .attrs = {{"axes", Ints{1}}}, .low = -200, .high = 200})
            .fixture("torch:t_logsumexp_dim1"));
}

// The first index of the extremum, or of the first NaN: the least of the positions that hold it.
Op first_index_of(std::string_view name, const char* extremum) {
  Op op(name);
  op.input("x", "number")
      .attr("axis", std::int64_t{-1}, "the axis to search")
      .attr("keepdims", false, "whether the axis stays, with 1 element")
      .attr("dtype", kInt32, "the integer type of the result")
      .fusion(FusionClass::kReduction)
      .infer([](const InferContext& c) -> absl::StatusOr<Types> {
        Ints axes = {c.attrs.integer("axis")};
        return one_result(c.attrs.get<DType>("dtype"), reduced_dims(c.operand(0), axes, c.attrs.flag("keepdims")));
      })
      .bounds([](const InferContext& c) { return bounds_of_folded(c.operand(0), {c.attrs.integer("axis")}); })
      .decompose([extremum](Builder& b, const Node& n) -> Values {
        Value x = n.operand(0);
        DType dtype = n.result_types()[0].dtype;
        std::int64_t axis = axis_of(n.attrs(), x.rank());
        Value found = b.eq(x, b.reduce(extremum, x, {axis}, true));
        if (x.dtype().is_floating()) found = b.call("logical_or", {found, b.unary("isnan", x)});
        Value position = b.call("iota", {}, {{"shape", x.dims()}, {"axis", axis}, {"dtype", dtype}});
        Value beyond = b.dim_value(x.type().dim(static_cast<int>(axis)), dtype);
        return {b.reduce("reduce_min", b.where(found, position, beyond), {axis}, n.attrs().flag("keepdims"))};
      })
      .not_differentiable("integer result")
      .sample({.operands = {"f32[3,5]"}})
      .sample({.operands = {"f32[N,17,2]"},
               .attrs = {{"axis", std::int64_t{1}}, {"keepdims", true}, {"dtype", kInt64}},
               .bindings = {{"N", 2}}})
      .sample({.operands = {"i32[4,9]:0..3"}, .attrs = {{"axis", std::int64_t{0}}}});
  return op;
}

void add_positions(Registry& r) {
  r.add(first_index_of("argmax", "reduce_max")
            .doc("Index of the first largest element along an axis.")
            .mirrors("keras.ops.argmax")
            .fixture("torch:t_argmax"));
  r.add(first_index_of("argmin", "reduce_min")
            .doc("Index of the first smallest element along an axis.")
            .mirrors("keras.ops.argmin")
            .fixture("torch:t_argmin_keep"));
}

}  // namespace

void add_reduce_ops(Registry& r) {
  add_folds(r);
  add_statistics(r);
  add_positions(r);
}

}  // namespace mica::ir
