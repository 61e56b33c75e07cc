#include "compiler/ops/matrices.h"

#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"

namespace mica::ir {

absl::Status check_square(const TensorType& a) {
  if (a.rank() < 2 || a.dim(-1) != a.dim(-2)) return expected("square matrices", a.to_string());
  return absl::OkStatus();
}

Dims batch_of(const TensorType& a) { return {a.dims.begin(), a.dims.end() - 2}; }

bool Sides::is_tall() const {
  const Dim more = rows - columns;
  return more.is_static() ? more.value() >= 0 : columns.is_static();
}

absl::Status check_sides(const TensorType& a) {
  if (a.rank() >= 2) {
    const Sides sides(a);
    if ((sides.rows - sides.columns).is_static() || sides.rows.is_static() || sides.columns.is_static())
      return absl::OkStatus();
  }
  return expected("matrices of which it is known whether they have more rows or columns", a.to_string());
}

std::vector<Bound> bounds_of_sides(const TensorType& a) {
  const Sides sides(a);
  std::vector<Bound> bounds;
  if (!(sides.rows - sides.columns).is_static())
    add_at_least(bounds, sides.least(), sides.most(), a.rank() - (sides.is_tall() ? 2 : 1));
  return bounds;
}

loop::StmtRef count(const char* name, const loop::Expr& extent,
                    const std::function<Statements(const loop::Expr& i)>& body) {
  loop::VarRef v = loop::make_var(name);
  return loop::loop_over(loop::LoopKind::kSerial, v, extent, loop::block(body(loop::var(v))));
}

loop::BufferRef scalar(const char* name, DType dtype) {
  return std::make_shared<loop::Buffer>(loop::Buffer{name, dtype, {}, loop::Space::kLocal, loop::Access::kInOut});
}

loop::Exprs MatrixAt::place(const loop::Expr& row, const loop::Expr& col) const {
  return concatenated(batch, {row, col});
}

void for_each_matrix(const RefTensor& a, const std::function<void(std::int64_t number)>& f) {
  std::int64_t matrices = 1;
  for (std::size_t i = 0; i + 2 < a.dims.size(); ++i) matrices *= a.dims[i];
  for (std::int64_t number = 0; number < matrices; ++number) f(number);
}

Value with_bounded_sides(Builder& b, Value a) {
  for (const Bound& bound : bounds_of_sides(a.type())) {
    a = b.call("require", {a},
               {{"slack", Dims{bound.slack}}, {"expected", bound.expected}, {"received", Dims{bound.received}}});
  }
  return a;
}

Value transposed(Builder& b, Value x) {
  Ints order;
  for (int axis = 0; axis < x.rank(); ++axis) order.push_back(axis);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return b.transpose(x, std::move(order));
}

Value triangle_of(Builder& b, Value x, bool lower, bool diagonal) {
  const std::int64_t offset = diagonal ? 0 : lower ? -1 : 1;
  return b.call(lower ? "tril" : "triu", {x}, {{"diagonal", offset}});
}

Value identity(Builder& b, const TensorType& type) {
  auto position = [&](std::int64_t axis) {
    return b.call("iota", {}, {{"shape", type.dims}, {"axis", axis}, {"dtype", kInt32}});
  };
  return b.cast(b.eq(position(type.rank() - 2), position(type.rank() - 1)), type.dtype);
}

Value identity_like(Builder& b, Value a) { return identity(b, a.type()); }

Value diagonal_of(Builder& b, Value a) { return b.sum(a * identity_like(b, a), {-1}); }

}  // namespace mica::ir
