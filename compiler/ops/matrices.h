// What operations on the matrices in the last two axes of their operands share: checks, statements of their kernels,
// and values made of them.
#pragma once
#include <functional>
#include <vector>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {

absl::Status check_square(const TensorType& a);
Dims batch_of(const TensorType& a);

// Rows and columns. Where one of them is open and the other is known, the open one counts as not the smaller one, of
// which `bounds_of_sides` makes sure.
struct Sides {
  explicit Sides(const TensorType& a) : rows(a.dim(-2)), columns(a.dim(-1)) {}
  Dim rows, columns;
  bool is_tall() const;  // at least as many rows as columns
  const Dim& least() const { return is_tall() ? columns : rows; }
  const Dim& most() const { return is_tall() ? rows : columns; }
};
// That it shows which side is the smaller one.
absl::Status check_sides(const TensorType& a);
std::vector<Bound> bounds_of_sides(const TensorType& a);

// ---- kernels
using Statements = std::vector<loop::StmtRef>;

// Loops over dependent ranges, which KernelBuilder::each has not.
loop::StmtRef count(const char* name, const loop::Expr& extent,
                    const std::function<Statements(const loop::Expr& i)>& body);
// A number of one iteration.
loop::BufferRef scalar(const char* name, DType dtype);
inline loop::Expr value_of(const loop::BufferRef& scalar) { return loop::load(scalar, {}); }
inline loop::StmtRef set(const loop::BufferRef& scalar, loop::Expr value) {
  return loop::store(scalar, {}, std::move(value));
}
// a[row, col] of the matrix at `batch`.
struct MatrixAt {
  loop::BufferRef buffer;
  loop::Exprs batch;
  loop::Exprs place(const loop::Expr& row, const loop::Expr& col) const;
  loop::Expr operator()(const loop::Expr& row, const loop::Expr& col) const {
    return loop::load(buffer, place(row, col));
  }
  loop::StmtRef set(const loop::Expr& row, const loop::Expr& col, loop::Expr value) const {
    return loop::store(buffer, place(row, col), std::move(value));
  }
};

// ---- references
// Calls f with the number of each matrix.
void for_each_matrix(const RefTensor& a, const std::function<void(std::int64_t number)>& f);

// ---- values
// a, with the bounds of its sides: parts of a composite have none of their own.
Value with_bounded_sides(Builder& b, Value a);
Value transposed(Builder& b, Value x);
// The triangle of a matrix, with or without its diagonal.
Value triangle_of(Builder& b, Value x, bool lower, bool diagonal);
// One where row and column are the same, in the shape of a.
Value identity_like(Builder& b, Value a);
Value identity(Builder& b, const TensorType& type);
Value diagonal_of(Builder& b, Value a);

}  // namespace mica::ir
