#include "compiler/ops/matrices.h"

#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"

namespace mica::ir {

absl::Status check_square(const TensorType& a) {
  if (a.rank() < 2 || a.dim(-1) != a.dim(-2)) return expected("square matrices", a.to_string());
  return absl::OkStatus();
}

Dims batch_of(const TensorType& a) { return {a.dims.begin(), a.dims.end() - 2}; }

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

Value identity_like(Builder& b, Value a) {
  auto position = [&](std::int64_t axis) {
    return b.call("iota", {}, {{"shape", a.dims()}, {"axis", axis}, {"dtype", kInt32}});
  };
  return b.cast(b.eq(position(a.rank() - 2), position(a.rank() - 1)), a.dtype());
}

Value diagonal_of(Builder& b, Value a) { return b.sum(a * identity_like(b, a), {-1}); }

}  // namespace mica::ir
