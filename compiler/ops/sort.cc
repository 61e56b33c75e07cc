// Order along an axis: the positions that sort it, and what follows from them. NaN is larger than any number.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::BufferRef;
using loop::Expr;
using loop::Exprs;
using loop::LoopKind;
using loop::ScalarOp;
using loop::StmtRef;
using Statements = std::vector<StmtRef>;

constexpr std::int64_t kMaxDoublings = 32;  // of runs, where the length of the axis is not known

// A merge sort of positions without data-dependent loops: a pass turns sorted runs of 2^p elements in one buffer into
// runs twice as long in the other. Each element finds its place in the merged run by itself: as far behind its run's
// start as it was, plus the elements of the neighbouring run that come before it, found by bisection. An even number of
// passes ends in the buffer it began with; passes too many copy.
class MergeSort {
 public:
  explicit MergeSort(const Node& node)
      : builder_(node),
        x_(builder_.param(0)),
        axis_(static_cast<std::size_t>(axis_of(node.attrs(), node.operand(0).rank()))),
        size_(x_->dims[axis_]),
        descending_(node.attrs().flag("descending")) {}

  loop::Kernel kernel() {
    Dims lines = x_->dims;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(axis_));
    return builder_.rows(lines, [&](const Exprs& line) -> Statements {
      line_ = line;
      BufferRef positions = builder_.result(0), scratch = builder_.result(1);
      loop::VarRef pair = loop::make_var("pair");
      StmtRef start = builder_.each({size_}, [&](const Exprs& i) -> Statements {
        return {loop::store(positions, along(i[0]), loop::cast(i[0], positions->dtype))};
      });
      Expr first = loop::var(pair) * 2;
      StmtRef passes =
          loop::loop_over(LoopKind::kSerial, pair, loop::integer((doublings() + 1) / 2),
                          loop::block({pass(first, positions, scratch), pass(first + 1, scratch, positions)}));
      return {start, passes};
    });
  }

 private:
  std::int64_t doublings() const {
    if (!size_.is_static()) return kMaxDoublings;
    std::int64_t count = 0;
    while ((std::int64_t{1} << count) < size_.value()) ++count;
    return count;
  }

  Exprs along(const Expr& position) const {
    Exprs where = line_;
    where.insert(where.begin() + static_cast<std::ptrdiff_t>(axis_), position);
    return where;
  }

  Expr position(const BufferRef& order, const Expr& place) const {
    return loop::cast(loop::load(order, along(place)), kInt64);
  }

  Expr comes_before(Expr a, Expr b) const {
    if (descending_) std::swap(a, b);
    if (!a->dtype.is_floating()) return loop::lt(a, b);
    auto is_nan = [](const Expr& e) { return loop::op(ScalarOp::k_is_nan, {e}); };
    return loop::logical_or(loop::lt(a, b), loop::logical_and(is_nan(b), negation(is_nan(a))));
  }
  static Expr negation(const Expr& condition) { return loop::op(ScalarOp::k_bit_not, {condition}); }

  StmtRef pass(const Expr& doubling, const BufferRef& from, const BufferRef& to) {
    Expr n = loop::dim(size_);
    return builder_.each({size_}, [&](const Exprs& i) -> Statements {
      Expr width = builder_.let("width", loop::op(ScalarOp::k_shl, {loop::integer(1), doubling}));
      Expr run = builder_.let("run", i[0] / (width * 2) * (width * 2));
      Expr middle = builder_.let("middle", loop::min(run + width, n));
      Expr end = loop::min(run + width * 2, n);
      Expr in_first = builder_.let("in_first", loop::lt(i[0], middle));
      Expr self = builder_.let("self", position(from, i[0]));
      Expr value = builder_.let("value", loop::load(x_, along(self)));
      // The neighbouring run: [low, high) narrows to the first element that stays behind this one.
      BufferRef low = scalar("low"), high = scalar("high");
      StmtRef narrow = bisection(doubling + 1, from, low, high, in_first, value);
      Expr place = i[0] - middle + loop::load(low, {});
      return {loop::alloc(low),
              loop::alloc(high),
              loop::store(low, {}, loop::select(in_first, middle, run)),
              loop::store(high, {}, loop::select(in_first, end, middle)),
              narrow,
              loop::store(to, along(place), loop::cast(self, to->dtype))};
    });
  }

  StmtRef bisection(const Expr& steps, const BufferRef& from, const BufferRef& low, const BufferRef& high,
                    const Expr& in_first, const Expr& value) {
    loop::VarRef step = loop::make_var("step");
    Expr from_low = loop::load(low, {}), to_high = loop::load(high, {}), last = loop::dim(size_) - 1;
    Expr half = (from_low + to_high) / 2;
    Expr other = loop::load(x_, along(position(from, loop::min(half, last))));
    // Equal elements keep their order: those of the first run come first.
    Expr is_before = loop::logical_or(loop::logical_and(in_first, comes_before(other, value)),
                                      loop::logical_and(negation(in_first), negation(comes_before(value, other))));
    StmtRef halve = loop::if_then(is_before, loop::store(low, {}, half + 1), loop::store(high, {}, half));
    return loop::loop_over(LoopKind::kSerial, step, steps, loop::if_then(loop::lt(from_low, to_high), halve));
  }

  static BufferRef scalar(const char* name) {
    return std::make_shared<loop::Buffer>(loop::Buffer{name, kInt64, {}, loop::Space::kLocal, loop::Access::kInOut});
  }

  KernelBuilder builder_;
  BufferRef x_;
  std::size_t axis_;
  Dim size_;
  bool descending_;
  Exprs line_;
};

absl::Status reference_merge_sort(const RefContext& c) {
  const RefTensor& x = *c.operands[0];
  const auto axis = static_cast<std::size_t>(axis_of(c.attrs, static_cast<int>(x.dims.size())));
  const bool descending = c.attrs.flag("descending");
  auto less = [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); };
  Ints lines = x.dims;
  lines[axis] = x.dims[axis] > 0 ? 1 : 0;
  for_each_index(lines, [&](const Ints& line) {
    auto at = [&](std::int64_t position) {
      Ints index = line;
      index[axis] = position;
      return static_cast<std::size_t>(flat_index(x.dims, index));
    };
    Ints order(static_cast<std::size_t>(x.dims[axis]));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return descending ? less(x.data[at(b)], x.data[at(a)]) : less(x.data[at(a)], x.data[at(b)]);
    });
    for (std::size_t i = 0; i < order.size(); ++i)
      c.results[0].data[at(static_cast<std::int64_t>(i))] = static_cast<double>(order[i]);
  });
  return absl::OkStatus();
}

absl::StatusOr<Types> infer_order(const InferContext& c, bool with_scratch) {
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank());
  if (!axis.ok()) return axis.status();
  TensorType positions{c.attrs.get<DType>("dtype"), c.operand(0).dims};
  return with_scratch ? Types{positions, positions} : Types{positions};
}

Op ordering(std::string_view name) {
  Op op(name);
  op.input("x", "number")
      .attr("axis", std::int64_t{-1}, "the axis to sort along")
      .attr("descending", false, "whether the largest comes first");
  return op;
}

void sample_order(Op& op) {
  op.sample({.operands = {"f32[3,7]"}})
      .sample({.operands = {"f32[N,5]"},
               .attrs = {{"axis", std::int64_t{0}}, {"descending", true}},
               .bindings = {{"N", 9}}})
      .sample({.operands = {"i32[2,17,3]:0..4"}, .attrs = {{"axis", std::int64_t{1}}}})
      .sample({.operands = {"f32[1]"}})
      .sample({.operands = {"f32[0]"}});
}

Value order_of(Builder& b, Value x, std::int64_t axis, bool descending, DType dtype) {
  return b.call_all("merge_sort", {x}, {{"axis", axis}, {"descending", descending}, {"dtype", dtype}})[0];
}

void add_sorting(Registry& r) {
  r.add(ordering("merge_sort")
            .doc("The positions that sort x, equal elements in their order, and the room that this takes.")
            .attr("dtype", kInt32, "the integer type of the positions")
            .infer([](const InferContext& c) { return infer_order(c, true); })
            .kernel([](const Node& node) { return MergeSort(node).kernel(); })
            .reference(reference_merge_sort)
            .not_differentiable("integer result")
            .internal());
  Op argsort = ordering("argsort");
  argsort
      .doc("The positions that sort x along an axis. Equal elements keep their order, NaN is larger than any number.")
      .mirrors("keras.ops.argsort")
      .attr("dtype", kInt32, "the integer type of the positions")
      .infer([](const InferContext& c) { return infer_order(c, false); })
      .decompose([](Builder& b, const Node& n) -> Values {
        return {order_of(b, n.operand(0), n.attrs().integer("axis"), n.attrs().flag("descending"),
                         n.attrs().get<DType>("dtype"))};
      })
      .not_differentiable("integer result")
      .fixture("torch:t_argsort");
  sample_order(argsort);
  r.add(argsort);
  Op sort = ordering("sort");
  sort.doc("The elements of x in order along an axis. NaN is larger than any number.")
      .mirrors("keras.ops.sort")
      .infer(same_as())
      .decompose([](Builder& b, const Node& n) -> Values {
        const std::int64_t axis = n.attrs().integer("axis");
        Value order = order_of(b, n.operand(0), axis, n.attrs().flag("descending"), kInt32);
        return {b.call("gather_elements", {n.operand(0), order}, {{"axis", axis}})};
      })
      .fixture("torch:t_sort");
  sample_order(sort);
  r.add(sort);
}

absl::StatusOr<Types> infer_top_k(const InferContext& c) {
  const TensorType& x = c.operand(0);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  const std::int64_t k = c.attrs.integer("k");
  Dims dims = x.dims;
  Dim& size = dims[static_cast<std::size_t>(*axis)];
  if (k < 0 || (size.is_static() && k > size.value())) {
    return expected(absl::StrCat("k from 0 to ", size.to_string()), absl::StrCat(k));
  }
  size = k;
  return Types{{x.dtype, dims}, {c.attrs.get<DType>("dtype"), dims}};
}

Values top_k(Builder& b, const Node& node) {
  const Attrs& attrs = node.attrs();
  Value x = node.operand(0);
  const int axis = axis_of(attrs, x.rank());
  Value order = order_of(b, x, axis, attrs.flag("largest"), attrs.get<DType>("dtype"));
  Value first = b.slice(order, axis, 0, attrs.integer("k"));
  return {b.call("gather_elements", {x, first}, {{"axis", std::int64_t{axis}}}), first};
}

absl::StatusOr<Types> infer_searchsorted(const InferContext& c) {
  const TensorType &sequence = c.operand(0), &values = c.operand(1);
  bool fits = sequence.rank() == 1 || (sequence.rank() == values.rank() && sequence.rank() > 0);
  for (int axis = 0; fits && sequence.rank() > 1 && axis + 1 < sequence.rank(); ++axis) {
    fits = sequence.dim(axis) == values.dim(axis);
  }
  if (!fits || sequence.dtype != values.dtype) {
    return expected("one sorted sequence, or one for each row of values",
                    absl::StrCat(sequence.to_string(), " and ", values.to_string()));
  }
  return Types{{c.attrs.get<DType>("dtype"), values.dims}};
}

// As many places in as there are elements that come before.
Values searchsorted(Builder& b, const Node& node) {
  Value sequence = node.operand(0), values = b.expand_dims(node.operand(1), -1);
  if (sequence.rank() > 1) sequence = b.expand_dims(sequence, -2);
  Value before = node.attrs().flag("right") ? b.le(sequence, values) : b.lt(sequence, values);
  return {b.sum(b.cast(before, node.result_types()[0].dtype), {-1})};
}

}  // namespace

void add_sort_ops(Registry& r) {
  add_sorting(r);
  r.add(Op("top_k")
            .doc("The k largest (or smallest) elements along an axis in their order, and their positions. Of equal "
                 "elements the first one comes first.")
            .mirrors("keras.ops.top_k")
            .input("x", "number")
            .required_attr("k", std::int64_t{1}, "how many")
            .attr("axis", std::int64_t{-1}, "the axis to search")
            .attr("largest", true, "whether the largest are wanted, or the smallest")
            .attr("dtype", kInt32, "the integer type of the positions")
            .infer(infer_top_k)
            .bounds([](const InferContext& c) {
              const int axis = axis_of(c.attrs, c.operand(0).rank());
              std::vector<Bound> bounds;
              add_at_least(bounds, c.attrs.integer("k"), c.operand(0).dim(axis), axis);
              return bounds;
            })
            .decompose(top_k)
            .sample({.operands = {"f32[3,7]"}, .attrs = {{"k", std::int64_t{3}}}})
            .sample({.operands = {"f32[N,5]"},
                     .attrs = {{"k", std::int64_t{2}}, {"axis", std::int64_t{0}}, {"largest", false}},
                     .bindings = {{"N", 4}}})
            .fixture("torch:t_topk"));
  r.add(Op("searchsorted")
            .doc("Where values belong in a sorted sequence: how many of its elements come before each.")
            .mirrors("keras.ops.searchsorted")
            .input("sequence", "number", "sorted along the last axis")
            .input("values", "number")
            .attr("right", false, "whether equal elements come before")
            .attr("dtype", kInt32, "the integer type of the result")
            .infer(infer_searchsorted)
            .decompose(searchsorted)
            .not_differentiable("integer result")
            .sample({.operands = {"f32[6]", "f32[2,5]"}})
            .sample({.operands = {"i32[3,6]:0..5", "i32[3,4]:0..5"}, .attrs = {{"right", true}, {"dtype", kInt64}}})
            .fixture("torch:t_searchsorted"));
}

}  // namespace mica::ir
