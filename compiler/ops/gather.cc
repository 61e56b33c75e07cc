// Reading and adding at indices that are data. Indices out of range are clamped and reported through the error word.
#include <algorithm>

#include "absl/strings/str_cat.h"
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
using loop::StmtRef;
using Statements = std::vector<StmtRef>;

constexpr int kIndexOutOfRange = 1;  // the code in the error word

std::size_t at(std::int64_t axis) { return static_cast<std::size_t>(axis); }

Dims part(const Dims& dims, std::size_t first, std::size_t last) {
  return {dims.begin() + static_cast<std::ptrdiff_t>(first), dims.begin() + static_cast<std::ptrdiff_t>(last)};
}

Dims joined(Dims a, const Dims& b, const Dims& c = {}) {
  a.insert(a.end(), b.begin(), b.end());
  a.insert(a.end(), c.begin(), c.end());
  return a;
}

std::int64_t clamped(double index, std::int64_t size) {
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, std::max<std::int64_t>(size - 1, 0));
}

// An index read as data, clamped into [0, size), and the statement that reports one outside.
struct CheckedIndex {
  Expr value;
  StmtRef report;
};
CheckedIndex checked_index(const loop::BufferRef& indices, const Exprs& where, const Dim& size) {
  Expr raw = loop::cast(loop::load(indices, where), kInt64), zero = loop::integer(0), last = loop::dim(size) - 1;
  Expr outside = loop::logical_or(loop::lt(raw, zero), loop::lt(last, raw));
  return {loop::max(zero, loop::min(raw, last)),
          loop::fail_if(outside, kIndexOutOfRange, flat_position(indices->dims, where), raw)};
}

// x[…, indices[…], …]: dims of x before the axis, dims of the indices, dims of x after the axis.
struct GatherShape {
  std::size_t axis;
  Dims outer, picked, inner;
  GatherShape(const Attrs& attrs, const Dims& x, const Dims& indices)
      : axis(at(axis_of(attrs, static_cast<int>(x.size())))),
        outer(part(x, 0, axis)),
        picked(indices),
        inner(part(x, axis + 1, x.size())) {}
  Dims result() const { return joined(outer, picked, inner); }
};

absl::StatusOr<Types> infer_gather(const InferContext& c) {
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank());
  if (!axis.ok()) return axis.status();
  return Types{{c.operand(0).dtype, GatherShape(c.attrs, c.operand(0).dims, c.operand(1).dims).result()}};
}

loop::Kernel gather_kernel(const Node& node) {
  KernelBuilder k(node);
  GatherShape shape(node.attrs(), k.param(0)->dims, k.param(1)->dims);
  return k.rows(joined(shape.outer, shape.picked), [&](const Exprs& row) -> Statements {
    Exprs where(row.begin() + static_cast<std::ptrdiff_t>(shape.axis), row.end());
    CheckedIndex index = checked_index(k.param(1), where, k.param(0)->dims[shape.axis]);
    Exprs source(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(shape.axis));
    source.push_back(k.let("index", index.value));
    StmtRef copy = k.each(shape.inner, [&](const Exprs& inner) -> Statements {
      return {loop::store(k.result(0), concatenated(row, inner), loop::load(k.param(0), concatenated(source, inner)))};
    });
    return {index.report, copy};
  });
}

double reference_gather(const RefContext& c, const Ints& index) {
  const RefTensor &x = *c.operands[0], &indices = *c.operands[1];
  std::size_t axis = at(axis_of(c.attrs, static_cast<int>(x.dims.size())));
  auto first = index.begin() + static_cast<std::ptrdiff_t>(axis);
  auto last = first + static_cast<std::ptrdiff_t>(indices.dims.size());
  Ints source(index.begin(), first);
  source.push_back(clamped(element(indices, Ints(first, last)), x.dims[axis]));
  source.insert(source.end(), last, index.end());
  return element(x, source);
}

absl::StatusOr<Types> infer_scatter_add(const InferContext& c) {
  const TensorType &x = c.operand(0), &updates = c.operand(2);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  Dims dims = GatherShape(c.attrs, x.dims, c.operand(1).dims).result();
  if (updates.dims != dims || updates.dtype != x.dtype) {
    return expected("updates of type " + TensorType{x.dtype, dims}.to_string(), updates.to_string());
  }
  return Types{x};
}

// Pieces of the axis are independent: each copies its part of x and adds the updates that fall into it, in order. Their
// number is fixed, so that bits depend on no number of threads.
constexpr std::int64_t kScatterPieces = 16;

loop::Kernel scatter_add_kernel(const Node& node) {
  KernelBuilder k(node);
  GatherShape shape(node.attrs(), k.param(0)->dims, k.param(1)->dims);
  const Dim& rows = k.param(0)->dims[shape.axis];
  return k.rows(joined(shape.outer, {Dim(kScatterPieces)}), [&](const Exprs& task) -> Statements {
    Exprs outer(task.begin(), task.end() - 1);
    Expr piece = task.back();
    Expr begin = k.let("begin", piece * loop::dim(rows) / kScatterPieces);
    Expr end = k.let("end", (piece + 1) * loop::dim(rows) / kScatterPieces);
    StmtRef copy = k.range(begin, end, [&](const Exprs& row) -> Statements {
      return {k.each(shape.inner, [&](const Exprs& inner) -> Statements {
        Exprs where = concatenated(outer, row, inner);
        return {loop::store(k.result(0), where, loop::load(k.param(0), where))};
      })};
    });
    StmtRef add = k.each(shape.picked, [&](const Exprs& i) -> Statements {
      CheckedIndex index = checked_index(k.param(1), i, rows);
      Expr target = k.let("index", index.value);
      StmtRef update = k.each(shape.inner, [&](const Exprs& inner) -> Statements {
        Exprs where = concatenated(outer, {target}, inner);
        Expr sum = loop::load(k.result(0), where) + loop::load(k.param(2), concatenated(outer, i, inner));
        return {loop::store(k.result(0), where, sum)};
      });
      Expr is_mine = loop::logical_and(loop::le(begin, target), loop::lt(target, end));
      return {loop::if_then(loop::lt(piece, loop::integer(1)), index.report), loop::if_then(is_mine, update)};
    });
    return {copy, add};
  });
}

absl::Status reference_scatter_add(const RefContext& c) {
  const RefTensor &x = *c.operands[0], &indices = *c.operands[1], &updates = *c.operands[2];
  std::size_t axis = at(axis_of(c.attrs, static_cast<int>(x.dims.size())));
  c.results[0].data = x.data;
  std::size_t next = 0;
  for_each_index(updates.dims, [&](const Ints& index) {
    auto first = index.begin() + static_cast<std::ptrdiff_t>(axis);
    auto last = first + static_cast<std::ptrdiff_t>(indices.dims.size());
    Ints target(index.begin(), first);
    target.push_back(clamped(element(indices, Ints(first, last)), x.dims[axis]));
    target.insert(target.end(), last, index.end());
    c.results[0].data[at(flat_index(x.dims, target))] += updates.data[next++];
  });
  return absl::OkStatus();
}

// ---- along an axis: indices of x's rank, one index an element

absl::Status check_along_axis(const InferContext& c) {
  const TensorType &x = c.operand(0), &indices = c.operand(1);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  bool fits = indices.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) {
    Dim spare = x.dim(i) - indices.dim(i);
    fits = i == *axis || (spare.is_static() && spare.value() >= 0);
  }
  if (fits) return absl::OkStatus();
  return expected(absl::StrCat("indices no larger than x outside axis ", *axis),
                  absl::StrCat(x.to_string(), " and ", indices.to_string()));
}

absl::StatusOr<Types> infer_gather_elements(const InferContext& c) {
  if (absl::Status fits = check_along_axis(c); !fits.ok()) return fits;
  return Types{{c.operand(0).dtype, c.operand(1).dims}};
}

absl::StatusOr<Types> infer_scatter_elements_add(const InferContext& c) {
  if (absl::Status fits = check_along_axis(c); !fits.ok()) return fits;
  TensorType updates{c.operand(0).dtype, c.operand(1).dims};
  if (c.operand(2) != updates) return expected("updates of type " + updates.to_string(), c.operand(2).to_string());
  return Types{c.operand(0)};
}

loop::Kernel gather_elements_kernel(const Node& node) {
  KernelBuilder k(node);
  std::size_t axis = at(axis_of(node.attrs(), node.operand(0).rank()));
  return k.rows(k.param(1)->dims, [&](const Exprs& where) -> Statements {
    CheckedIndex index = checked_index(k.param(1), where, k.param(0)->dims[axis]);
    Exprs source = where;
    source[axis] = k.let("index", index.value);
    return {index.report, loop::store(k.result(0), where, loop::load(k.param(0), source))};
  });
}

loop::Kernel scatter_elements_add_kernel(const Node& node) {
  KernelBuilder k(node);
  const Dims &dims = k.param(0)->dims, &updates = k.param(1)->dims;
  std::size_t axis = at(axis_of(node.attrs(), node.operand(0).rank()));
  Dims lanes = dims;
  lanes.erase(lanes.begin() + static_cast<std::ptrdiff_t>(axis));
  return k.rows(lanes, [&](const Exprs& lane) -> Statements {
    auto along = [&](const Expr& position) {
      Exprs where = lane;
      where.insert(where.begin() + static_cast<std::ptrdiff_t>(axis), position);
      return where;
    };
    StmtRef copy = k.each({dims[axis]}, [&](const Exprs& i) -> Statements {
      return {loop::store(k.result(0), along(i[0]), loop::load(k.param(0), along(i[0])))};
    });
    StmtRef add = k.each({updates[axis]}, [&](const Exprs& i) -> Statements {
      CheckedIndex index = checked_index(k.param(1), along(i[0]), dims[axis]);
      Exprs target = along(k.let("index", index.value));
      Expr sum = loop::load(k.result(0), target) + loop::load(k.param(2), along(i[0]));
      return {index.report, loop::store(k.result(0), target, sum)};
    });
    Expr covered = loop::integer(1, kBool);
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (i == axis || updates[i] == dims[i]) continue;
      covered = loop::logical_and(covered, loop::lt(lane[i < axis ? i : i - 1], loop::dim(updates[i])));
    }
    bool all = loop::as_integer(covered) == 1;
    return {copy, all ? add : loop::if_then(covered, add)};
  });
}

double reference_gather_elements(const RefContext& c, const Ints& index) {
  const RefTensor& x = *c.operands[0];
  std::size_t axis = at(axis_of(c.attrs, static_cast<int>(x.dims.size())));
  Ints source = index;
  source[axis] = clamped(element(*c.operands[1], index), x.dims[axis]);
  return element(x, source);
}

absl::Status reference_scatter_elements_add(const RefContext& c) {
  const RefTensor &x = *c.operands[0], &indices = *c.operands[1], &updates = *c.operands[2];
  std::size_t axis = at(axis_of(c.attrs, static_cast<int>(x.dims.size()))), next = 0;
  c.results[0].data = x.data;
  for_each_index(updates.dims, [&](const Ints& index) {
    Ints target = index;
    target[axis] = clamped(indices.data[next], x.dims[axis]);
    c.results[0].data[at(flat_index(x.dims, target))] += updates.data[next++];
  });
  return absl::OkStatus();
}

// What the four operations have in common.
Op with_indices(std::string_view name, std::int64_t axis) {
  Op op(name);
  op.bounds(bounds_of_indexed)
      .input("x", "any")
      .input("indices", "int", "positions along the axis, from 0; out of range ones are clamped and reported")
      .attr("axis", axis, "the axis of x that the positions stand for")
      .attr("called", std::string("indices"), "what the positions are to the user: the word of the error");
  return op;
}

// Those attributes, for another of the four on the same positions.
Attrs same_positions(const Node& n) {
  return {{"axis", n.attrs().integer("axis")}, {"called", n.attrs().text("called")}};
}

}  // namespace

void add_gather_ops(Registry& r) {
  r.add(with_indices("gather", 0)
            .doc("Slices of x along an axis, chosen by an array of positions.")
            .mirrors("keras.ops.take")
            .infer(infer_gather)
            .kernel(gather_kernel)
            .reference(each_element(reference_gather))
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Value zeros = b.full_like(0, n.operand(0));
              return {b.call("scatter_add", {zeros, n.operand(1), g[0]}, same_positions(n)), Value{}};
            })
            .sample({.operands = {"f32[7,5]", "i32[4]:0..6"}})
            .sample({.operands = {"f32[3,4,17]", "i64[2,3]:0..3"}, .attrs = {{"axis", std::int64_t{1}}}})
            .sample({.operands = {"f32[5,3]", "i32[N,4]:0..2"},
                     .attrs = {{"axis", std::int64_t{-1}}},
                     .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[6]", "i32[]:0..5"}})
            .fixture("torch:t_index_select"));
  r.add(
      with_indices("scatter_add", 0)
          .doc("x with slices added along an axis at an array of positions; equal positions add up in order.")
          .mirrors("torch.index_add")
          .input("updates", "number", "shaped as gather(x, indices)")
          .infer(infer_scatter_add)
          .kernel(scatter_add_kernel)
          .reference(reference_scatter_add)
          .vjp([](Builder& b, Node& n, const Values& g) -> Values {
            return {g[0], Value{}, b.call("gather", {g[0], n.operand(1)}, same_positions(n))};
          })
          .sample({.operands = {"f32[7,5]", "i32[4]:0..6", "f32[4,5]"}})
          .sample({.operands = {"f32[3,4,17]", "i64[2,3]:0..3", "f32[3,2,3,17]"}, .attrs = {{"axis", std::int64_t{1}}}})
          .sample({.operands = {"f32[5]", "i32[N]:0..1", "f32[N]"}, .bindings = {{"N", 9}}})
          .fixture("torch:t_index_add"));
  r.add(
      with_indices("gather_elements", -1)
          .doc("Elements of x along an axis, each at its own position.")
          .mirrors("keras.ops.take_along_axis")
          .infer(infer_gather_elements)
          .kernel(gather_elements_kernel)
          .reference(each_element(reference_gather_elements))
          .vjp([](Builder& b, Node& n, const Values& g) -> Values {
            Value zeros = b.full_like(0, n.operand(0));
            return {b.call("scatter_elements_add", {zeros, n.operand(1), g[0]}, same_positions(n)), Value{}};
          })
          .sample({.operands = {"f32[3,5]", "i32[3,2]:0..4"}})
          .sample(
              {.operands = {"f32[4,N]", "i64[6,N]:0..3"}, .attrs = {{"axis", std::int64_t{0}}}, .bindings = {{"N", 5}}})
          .sample({.operands = {"f32[3,5]", "i32[2,7]:0..4"}})
          .fixture("torch:t_gather"));
  r.add(with_indices("scatter_elements_add", -1)
            .doc("x with elements added along an axis, each at its own position; equal positions add up in order.")
            .mirrors("torch.scatter_add")
            .input("updates", "number", "shaped as indices")
            .infer(infer_scatter_elements_add)
            .kernel(scatter_elements_add_kernel)
            .reference(reference_scatter_elements_add)
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {g[0], Value{}, b.call("gather_elements", {g[0], n.operand(1)}, same_positions(n))};
            })
            .sample({.operands = {"f32[3,5]", "i32[3,7]:0..4", "f32[3,7]"}})
            .sample({.operands = {"f32[4,N]", "i64[6,N]:0..3", "f32[6,N]"},
                     .attrs = {{"axis", std::int64_t{0}}},
                     .bindings = {{"N", 5}}})
            .sample({.operands = {"f32[3,5]", "i32[2,2]:0..4", "f32[2,2]"}})
            .fixture("torch:t_scatter_add"));
  r.add(Op("one_hot")
            .doc("1 at the position that an integer names, else 0; a row of zeros when it names none.")
            .mirrors("keras.ops.one_hot")
            .input("x", "int")
            .required_attr("num_classes", std::int64_t{0}, "the size of the new axis")
            .attr("axis", Attr(std::int64_t{-1}), "where the new axis stands in the result")
            .attr("dtype", kFloat32, "the element type of the result")
            .fusion(FusionClass::kInjective)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              Dims dims = c.operand(0).dims;
              absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank() + 1);
              if (!axis.ok()) return axis.status();
              dims.insert(dims.begin() + *axis, Dim(c.attrs.integer("num_classes")));
              return Types{{c.attrs.get<DType>("dtype"), std::move(dims)}};
            })
            .decompose([](Builder& b, const Node& n) -> Values {
              const TensorType& type = n.result_types()[0];
              int axis = axis_of(n.attrs(), type.rank());
              DType label = n.operand(0).dtype();
              Value position =
                  b.call("iota", {}, {{"shape", type.dims}, {"axis", std::int64_t{axis}}, {"dtype", label}});
              return {b.cast(b.eq(b.expand_dims(n.operand(0), axis), position), type.dtype)};
            })
            .not_differentiable("integer operand")
            .sample({.operands = {"i32[7]:0..4"}, .attrs = {{"num_classes", std::int64_t{5}}}})
            .sample({.operands = {"i64[N,3]:-1..4"},
                     .attrs = {{"num_classes", std::int64_t{4}}, {"axis", std::int64_t{1}}},
                     .bindings = {{"N", 2}}})
            .fixture("torch:one_hot"));
}

}  // namespace mica::ir
