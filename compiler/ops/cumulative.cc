// Running folds along an axis.
#include <cmath>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;
using loop::ScalarOp;
using loop::StmtRef;
using Statements = std::vector<StmtRef>;

// Lines along the axis are independent; each element folds its own into the result before it.
loop::Kernel running_kernel(const Node& node, ScalarOp step) {
  KernelBuilder k(node);
  const Dims& dims = k.param(0)->dims;
  std::size_t axis = static_cast<std::size_t>(axis_of(node.attrs(), node.operand(0).rank()));
  bool reverse = node.attrs().flag("reverse");
  Dims lines = dims;
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(axis));
  return k.rows(lines, [&](const Exprs& line) -> Statements {
    return {k.each({dims[axis]}, [&](const Exprs& i) -> Statements {
      auto along = [&](const Expr& position) {
        Exprs where = line;
        Expr from_front = reverse ? loop::dim(dims[axis] - 1) - position : position;
        where.insert(where.begin() + static_cast<std::ptrdiff_t>(axis), from_front);
        return where;
      };
      Expr x = loop::load(k.param(0), along(i[0]));
      Expr before = loop::load(k.result(0), along(loop::max(i[0] - 1, loop::integer(0))));
      Expr first = loop::eq(i[0], loop::integer(0));
      return {loop::if_then(first, loop::store(k.result(0), along(i[0]), x),
                            loop::store(k.result(0), along(i[0]), loop::op(step, {before, x})))};
    })};
  });
}

ReferenceFn running_reference(ScalarOp step) {
  return [step](const RefContext& c) {
    const RefTensor& x = *c.operands[0];
    RefTensor& y = c.results[0];
    int axis = axis_of(c.attrs, static_cast<int>(x.dims.size()));
    Ints line_dims = x.dims;
    std::int64_t size = x.dims[static_cast<std::size_t>(axis)];
    line_dims[static_cast<std::size_t>(axis)] = size > 0 ? 1 : 0;
    bool reverse = c.attrs.flag("reverse");
    for_each_index(line_dims, [&](const Ints& line) {
      Ints index = line;
      double folded = 0;
      for (std::int64_t i = 0; i < size; ++i) {
        index[static_cast<std::size_t>(axis)] = reverse ? size - 1 - i : i;
        double pair[2] = {folded, element(x, index)};
        folded = i == 0 ? pair[1] : loop::info(step).evaluate(pair);
        y.data[static_cast<std::size_t>(flat_index(y.dims, index))] = folded;
      }
    });
    return absl::OkStatus();
  };
}

Op running(std::string_view name, ScalarOp step) {
  Op op(name);
  op.input("x", "number")
      .attr("axis", std::int64_t{-1}, "the axis to run along")
      .attr("reverse", false, "whether to start at the end")
      .infer([](const InferContext& c) -> absl::StatusOr<Types> {
        absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank());
        if (!axis.ok()) return axis.status();
        return Types{c.operand(0)};
      })
      .kernel([step](const Node& node) { return running_kernel(node, step); })
      .reference(running_reference(step))
      .sample({.operands = {"f32[3,5]"}, .low = 0.5, .high = 2})
      .sample({.operands = {"f32[4,N,3]"},
               .attrs = {{"axis", std::int64_t{1}}, {"reverse", true}},
               .low = 0.5,
               .high = 2,
               .bindings = {{"N", 7}}})
      .sample({.operands = {"i32[6]:1..3"}, .attrs = {{"axis", std::int64_t{0}}}});
  return op;
}

Value run(Builder& b, const Node& node, Value x, bool reverse) {
  return b.call("cumsum", {x}, {{"axis", node.attrs().integer("axis")}, {"reverse", reverse}});
}

// An element that raises the extremum takes the gradient of all results up to the next one that does. Equal elements:
// the last of them, as in PyTorch.
Values vjp_running_extremum(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), y = node.result();
  int axis = axis_of(node.attrs(), x.rank());
  Dim size = x.type().dim(axis);
  DType dtype = kInt64;
  Value position = b.call("iota", {}, {{"shape", x.dims()}, {"axis", std::int64_t{axis}}, {"dtype", dtype}});
  bool reverse = node.attrs().flag("reverse");
  if (reverse) position = b.dim_value(size - 1, dtype) - position;
  Value raised = b.where(b.eq(x, y), position, b.like(0, position));
  Value taken = b.call("cummax", {raised}, {{"axis", std::int64_t{axis}}, {"reverse", reverse}});
  if (reverse) taken = b.dim_value(size - 1, dtype) - taken;
  return {b.call("scatter_elements_add", {b.full_like(0, x), taken, grads[0]}, {{"axis", std::int64_t{axis}}})};
}

}  // namespace

void add_cumulative_ops(Registry& r) {
  r.add(running("cumsum", ScalarOp::k_add)
            .doc("Sum of the elements up to each one along an axis.")
            .mirrors("keras.ops.cumsum")
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {run(b, n, g[0], !n.attrs().flag("reverse"))};
            })
            .fixture("torch:t_cumsum"));
  r.add(running("cumprod", ScalarOp::k_mul)
            .doc("Product of the elements up to each one along an axis; the gradient is that of elements other than 0.")
            .mirrors("keras.ops.cumprod")
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {run(b, n, g[0] * n.result(), !n.attrs().flag("reverse")) / n.operand(0)};
            })
            .fixture("torch:t_cumprod"));
  r.add(running("cummax", ScalarOp::k_max)
            .doc("Largest of the elements up to each one along an axis.")
            .mirrors("torch.cummax")
            .vjp(vjp_running_extremum)
            .fixture("torch:t_cummax"));
  r.add(running("cummin", ScalarOp::k_min)
            .doc("Smallest of the elements up to each one along an axis.")
            .mirrors("torch.cummin")
            .vjp(vjp_running_extremum)
            .fixture("torch:t_cummax"));
}

}  // namespace mica::ir
