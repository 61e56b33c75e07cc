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

// Lines along an axis are independent; along one of them element i is made of what came before it.
class RunningKernel {
 public:
  explicit RunningKernel(const Node& node)
      : builder_(node),
        dims_(node.operand(0).dims()),
        axis_(static_cast<std::size_t>(axis_of(node.attrs(), node.operand(0).rank()))),
        reverse_(node.attrs().flag("reverse")) {}

  // The element of an operand at the place at hand.
  Expr operand(int i) const { return loop::load(builder_.param(i), place_); }

  // y_0 = first(), y_i = next(y_{i-1}).
  loop::Kernel make(const std::function<Expr()>& first, const std::function<Expr(const Expr& before)>& next) {
    Dims lines = dims_;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(axis_));
    return builder_.rows(lines, [&](const Exprs& line) -> Statements {
      return {builder_.each({dims_[axis_]}, [&](const Exprs& i) -> Statements {
        place_ = along(line, i[0]);
        loop::BufferRef y = builder_.result(0);
        Expr before = loop::load(y, along(line, loop::max(i[0] - 1, loop::integer(0))));
        return {loop::if_then(loop::eq(i[0], loop::integer(0)), loop::store(y, place_, first()),
                              loop::store(y, place_, next(before)))};
      })};
    });
  }

 private:
  Exprs along(const Exprs& line, const Expr& position) const {
    Exprs where = line;
    Expr from_front = reverse_ ? loop::dim(dims_[axis_] - 1) - position : position;
    where.insert(where.begin() + static_cast<std::ptrdiff_t>(axis_), from_front);
    return where;
  }

  KernelBuilder builder_;
  Dims dims_;
  std::size_t axis_;
  bool reverse_;
  Exprs place_;
};

loop::Kernel running_kernel(const Node& node, ScalarOp step) {
  RunningKernel running(node);
  return running.make([&] { return running.operand(0); },
                      [&](const Expr& before) { return loop::op(step, {before, running.operand(0)}); });
}

loop::Kernel recurrence_kernel(const Node& node) {
  RunningKernel running(node);
  return running.make([&] { return running.operand(1); },
                      [&](const Expr& before) { return running.operand(0) * before + running.operand(1); });
}

// Calls f(index, index of the element before or null) along every line.
void for_each_along(const RefContext& c, const std::function<void(std::size_t at, const std::size_t* before)>& f) {
  const Ints& dims = c.results[0].dims;
  const auto axis = static_cast<std::size_t>(axis_of(c.attrs, static_cast<int>(dims.size())));
  Ints lines = dims;
  lines[axis] = dims[axis] > 0 ? 1 : 0;
  for_each_index(lines, [&](const Ints& line) {
    Ints index = line;
    std::size_t before = 0;
    for (std::int64_t i = 0; i < dims[axis]; ++i) {
      index[axis] = c.attrs.flag("reverse") ? dims[axis] - 1 - i : i;
      const auto at = static_cast<std::size_t>(flat_index(dims, index));
      f(at, i == 0 ? nullptr : &before);
      before = at;
    }
  });
}

ReferenceFn running_reference(ScalarOp step) {
  return [step](const RefContext& c) {
    const std::vector<double>& x = c.operands[0]->data;
    std::vector<double>& y = c.results[0].data;
    for_each_along(c, [&](std::size_t at, const std::size_t* before) {
      double pair[2] = {before ? y[*before] : 0, x[at]};
      y[at] = before ? loop::info(step).evaluate(pair) : x[at];
    });
    return absl::OkStatus();
  };
}

absl::Status reference_recurrence(const RefContext& c) {
  const std::vector<double>&a = c.operands[0]->data, &b = c.operands[1]->data;
  std::vector<double>& y = c.results[0].data;
  for_each_along(c,
                 [&](std::size_t at, const std::size_t* before) { y[at] = (before ? a[at] * y[*before] : 0) + b[at]; });
  return absl::OkStatus();
}

absl::StatusOr<Types> infer_along_axis(const InferContext& c) {
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank());
  if (!axis.ok()) return axis.status();
  return Types{c.operand(0)};
}

Op running(std::string_view name, ScalarOp step) {
  Op op(name);
  op.input("x", "number")
      .attr("axis", std::int64_t{-1}, "the axis to run along")
      .attr("reverse", false, "whether to start at the end")
      .infer(infer_along_axis)
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

// x one place further along the axis in the order of the node, `first` in the place that is free then; or one place
// back.
Value moved(Builder& b, const Node& node, Value x, std::int64_t places, double first) {
  const auto axis = static_cast<std::size_t>(axis_of(node.attrs(), x.rank()));
  Dims low(static_cast<std::size_t>(x.rank()), Dim(0)), high = low;
  low[axis] = node.attrs().flag("reverse") ? -places : places;
  high[axis] = Dim(0) - low[axis];
  return b.call("pad", {x}, {{"low", low}, {"high", high}, {"value", first}});
}

Value recurrence(Builder& b, const Node& node, Value factors, Value terms, bool reverse) {
  return b.call("linear_recurrence", {factors, terms}, {{"axis", node.attrs().integer("axis")}, {"reverse", reverse}});
}

// y_i = a_i y_{i-1} + b_i: s_i = g_i + a_{i+1} s_{i+1} is the gradient of b_i and, times y_{i-1}, that of a_i.
Values vjp_recurrence(Builder& b, Node& node, const Values& grads) {
  Value s = recurrence(b, node, moved(b, node, node.operand(0), -1, 0), grads[0], !node.attrs().flag("reverse"));
  return {s * moved(b, node, node.result(), 1, 0), s};
}

// The gradient at x_i is the product of all before it, times the sum of what the products from there on hand back. No
// division, so that zeros need no special case.
Values vjp_cumprod(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0);
  Value after = recurrence(b, node, moved(b, node, x, -1, 1), grads[0], !node.attrs().flag("reverse"));
  return {after * moved(b, node, node.result(), 1, 1)};
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
            .doc("Product of the elements up to each one along an axis.")
            .mirrors("keras.ops.cumprod")
            .vjp(vjp_cumprod)
            .sample({.operands = {"i32[2,9]:-1..1"}})
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
  r.add(Op("linear_recurrence")
            .doc("y along an axis, where each element is a times the one before it plus b; the first one is b.")
            .mirrors("keras.ops.associative_scan")
            .input("a", "float")
            .input("b", "float", "shaped as a")
            .attr("axis", std::int64_t{-1}, "the axis to run along")
            .attr("reverse", false, "whether to start at the end")
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              if (c.operand(0) != c.operand(1)) return expected(c.operand(0).to_string(), c.operand(1).to_string());
              return infer_along_axis(c);
            })
            .kernel(recurrence_kernel)
            .reference(reference_recurrence)
            .vjp(vjp_recurrence)
            .sample({.operands = {"f32[3,5]", "f32[3,5]"}})
            .sample({.operands = {"f32[4,N,3]", "f32[4,N,3]"},
                     .attrs = {{"axis", std::int64_t{1}}, {"reverse", true}},
                     .low = -1,
                     .high = 1,
                     .bindings = {{"N", 7}}})
            .sample({.operands = {"f32[0]", "f32[0]"}})
            .fixture("hand:recurrence"));
}

}  // namespace mica::ir
