// Reductions over axes of one operand, and what is built from them.
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
               .bindings = {{"N", 4}}})
      .sample({.operands = {"f32[7,1]"}, .attrs = {{"axes", Ints{1}}}, .low = low, .high = high});
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

void add_folds(Registry& r) {
  Op sum = over_axes("reduce_sum", "number");
  sum.doc("Sum over axes.")
      .mirrors("keras.ops.sum")
      .fusion(FusionClass::kReduction)
      .define(fold(Reducer::kSum))
      .reference(fold_reference(0, [](double a, double x) { return a + x; }))
      .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {spread(b, n, g[0])}; })
      .fixture("torch:t_sum_dim1");
  sample_axes(sum, -2, 2);
  r.add(sum);
}

}  // namespace

void add_reduce_ops(Registry& r) { add_folds(r); }

}  // namespace mica::ir
