// Systems of equations: triangular and general matrices, in the last two axes of their operands.
#include "compiler/ops/solve.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/matrices.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::BufferRef;
using loop::Expr;
using loop::Exprs;
using loop::StmtRef;

absl::StatusOr<Types> infer_square(const InferContext& c) {
  if (absl::Status status = check_square(c.operand(0)); !status.ok()) return status;
  return Types{c.operand(0)};
}

absl::StatusOr<Types> infer_solve(const InferContext& c) {
  const TensorType &a = c.operand(0), &b = c.operand(1);
  if (absl::Status status = check_square(a); !status.ok()) return status;
  bool fits = a.rank() == b.rank() && a.dtype == b.dtype && a.dim(-1) == b.dim(-2);
  for (int axis = 0; fits && axis + 2 < a.rank(); ++axis) fits = a.dim(axis) == b.dim(axis);
  if (!fits) {
    return expected("right hand sides of as many rows as a has, in as many matrices",
                    absl::StrCat(a.to_string(), " and ", b.to_string()));
  }
  return Types{b};
}

// ---- triangular_solve

struct Triangle {
  bool lower, transposed, unit;
  explicit Triangle(const Attrs& attrs)
      : lower(attrs.flag("lower")), transposed(attrs.flag("transpose_a")), unit(attrs.flag("unit_diagonal")) {}
  // Whether the first unknown depends on no other.
  bool forward() const { return lower != transposed; }
};

// Right hand sides are independent: each column is solved from the unknown that depends on no other.
loop::Kernel triangular_solve_kernel(const Node& node) {
  KernelBuilder k(node);
  const Triangle triangle(node.attrs());
  const TensorType& right = node.operand(1).type();
  Dims columns = batch_of(right);
  columns.push_back(right.dim(-1));
  const Expr n = loop::dim(right.dim(-2));
  return k.rows(columns, [&](const Exprs& column) -> Statements {
    const Exprs batch(column.begin(), column.end() - 1);
    auto at = [&](const Expr& row, const Expr& col) { return concatenated(batch, {row, col}); };
    auto place = [&](const Expr& i) { return triangle.forward() ? i : n - 1 - i; };
    auto a = [&](const Expr& row, const Expr& col) {
      return loop::load(k.param(0), triangle.transposed ? at(col, row) : at(row, col));
    };
    return {count("step", n, [&](const Expr& step) -> Statements {
      Expr row = place(step);
      BufferRef rest = scalar("rest", right.dtype);
      StmtRef subtract = count("known", step, [&](const Expr& known) -> Statements {
        Expr other = place(known);
        Expr part = a(row, other) * loop::load(k.result(0), at(other, column.back()));
        return {loop::store(rest, {}, loop::load(rest, {}) - part)};
      });
      Expr unknown = loop::load(rest, {});
      return {loop::alloc(rest), loop::store(rest, {}, loop::load(k.param(1), at(row, column.back()))), subtract,
              loop::store(k.result(0), at(row, column.back()), triangle.unit ? unknown : unknown / a(row, row))};
    })};
  });
}

absl::Status reference_triangular_solve(const RefContext& c) {
  const Triangle triangle(c.attrs);
  const RefTensor& b = *c.operands[1];
  const std::int64_t n = b.dims[b.dims.size() - 2], columns = b.dims.back();
  for_each_matrix(b, [&](std::int64_t number) {
    const double *a = c.operands[0]->data.data() + number * n * n, *right = b.data.data() + number * n * columns;
    double* x = c.results[0].data.data() + number * n * columns;
    auto place = [&](std::int64_t i) { return triangle.forward() ? i : n - 1 - i; };
    auto element = [&](std::int64_t i, std::int64_t j) { return triangle.transposed ? a[j * n + i] : a[i * n + j]; };
    for (std::int64_t column = 0; column < columns; ++column) {
      for (std::int64_t step = 0; step < n; ++step) {
        const std::int64_t row = place(step);
        double rest = right[row * columns + column];
        for (std::int64_t known = 0; known < step; ++known) {
          rest -= element(row, place(known)) * x[place(known) * columns + column];
        }
        x[row * columns + column] = triangle.unit ? rest : rest / element(row, row);
      }
    }
  });
  return absl::OkStatus();
}

Value triangular_solve(Builder& b, Value a, Value right, bool lower, bool transpose_a, bool unit = false) {
  return b.call("triangular_solve", {a, right},
                {{"lower", lower}, {"transpose_a", transpose_a}, {"unit_diagonal", unit}});
}

// op(A) X = B: dB = op(A)^-T dX, d op(A) = -dB X^T, of which A has its triangle.
Values vjp_triangular_solve(Builder& b, Node& node, const Values& grads) {
  const Triangle t(node.attrs());
  Value right = triangular_solve(b, node.operand(0), grads[0], t.lower, !t.transposed, t.unit);
  Value x = node.result();
  Value a = t.transposed ? b.matmul(x, right, false, true) : b.matmul(right, x, false, true);
  return {triangle_of(b, -a, t.lower, !t.unit), right};
}

// ---- lu

// A = P^T L U by rows: the largest element of a column leads it. L (below, its diagonal is 1) and U share one matrix;
// `order` says which row of A stands where.
loop::Kernel lu_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType& type = node.operand(0).type();
  const Expr n = loop::dim(type.dim(-1));
  const BufferRef lu = k.result(0), order = k.result(1), sign = k.result(2);
  return k.rows(batch_of(type), [&](const Exprs& batch) -> Statements {
    auto at = [&](const Expr& row, const Expr& col) { return concatenated(batch, {row, col}); };
    auto element = [&](const Expr& row, const Expr& col) { return loop::load(lu, at(row, col)); };
    auto swap = [&](const BufferRef& buffer, const Exprs& a, const Exprs& b, const BufferRef& held) -> Statements {
      return {loop::store(held, {}, loop::load(buffer, a)), loop::store(buffer, a, loop::load(buffer, b)),
              loop::store(buffer, b, loop::load(held, {}))};
    };
    StmtRef copy = k.each({type.dim(-2), type.dim(-1)}, [&](const Exprs& i) -> Statements {
      return {loop::store(lu, at(i[0], i[1]), loop::load(k.param(0), at(i[0], i[1])))};
    });
    StmtRef number = k.each({type.dim(-2)}, [&](const Exprs& i) -> Statements {
      return {loop::store(order, concatenated(batch, i), loop::cast(i[0], kInt32))};
    });
    BufferRef pivot = scalar("pivot", kInt64), held = scalar("held", type.dtype), held_row = scalar("row", kInt32);
    StmtRef eliminate = count("column", n, [&](const Expr& column) -> Statements {
      auto size = [](const Expr& e) { return loop::op(loop::ScalarOp::k_abs, {e}); };
      Expr lead = loop::load(pivot, {});
      StmtRef search = count("below", n - column, [&](const Expr& below) -> Statements {
        Expr row = column + below;
        Expr larger = loop::lt(size(element(lead, column)), size(element(row, column)));
        return {loop::if_then(larger, loop::store(pivot, {}, row))};
      });
      Statements swaps = {count("j", n, [&](const Expr& j) { return swap(lu, at(column, j), at(lead, j), held); })};
      for (const StmtRef& s : swap(order, concatenated(batch, {column}), concatenated(batch, {lead}), held_row)) {
        swaps.push_back(s);
      }
      swaps.push_back(loop::store(sign, batch, -loop::load(sign, batch)));
      StmtRef rows = count("i", n - column - 1, [&](const Expr& i) -> Statements {
        Expr row = column + 1 + i;
        StmtRef subtract = count("j", n - column - 1, [&](const Expr& j) -> Statements {
          Expr col = column + 1 + j;
          return {loop::store(lu, at(row, col), element(row, col) - element(row, column) * element(column, col))};
        });
        return {loop::store(lu, at(row, column), element(row, column) / element(column, column)), subtract};
      });
      return {loop::store(pivot, {}, column), search,
              loop::if_then(loop::lt(column, lead), loop::block(std::move(swaps))), rows};
    });
    return {loop::alloc(pivot),
            loop::alloc(held),
            loop::alloc(held_row),
            copy,
            number,
            loop::store(sign, batch, loop::constant(1, type.dtype)),
            eliminate};
  });
}

absl::StatusOr<Types> infer_lu(const InferContext& c) {
  const TensorType& a = c.operand(0);
  if (absl::Status status = check_square(a); !status.ok()) return status;
  Dims rows(a.dims.begin(), a.dims.end() - 1);
  return Types{a, {kInt32, rows}, {a.dtype, batch_of(a)}};
}

absl::Status reference_lu(const RefContext& c) {
  const std::int64_t n = c.operands[0]->dims.back();
  c.results[0].data = c.operands[0]->data;
  for_each_matrix(*c.operands[0], [&](std::int64_t number) {
    double *lu = c.results[0].data.data() + number * n * n, *order = c.results[1].data.data() + number * n;
    double& sign = c.results[2].data[static_cast<std::size_t>(number)];
    sign = 1;
    for (std::int64_t i = 0; i < n; ++i) order[i] = static_cast<double>(i);
    for (std::int64_t column = 0; column < n; ++column) {
      std::int64_t lead = column;
      for (std::int64_t row = column; row < n; ++row) {
        if (std::fabs(lu[row * n + column]) > std::fabs(lu[lead * n + column])) lead = row;
      }
      if (lead != column) {
        for (std::int64_t j = 0; j < n; ++j) std::swap(lu[column * n + j], lu[lead * n + j]);
        std::swap(order[column], order[lead]);
        sign = -sign;
      }
      for (std::int64_t row = column + 1; row < n; ++row) {
        lu[row * n + column] /= lu[column * n + column];
        for (std::int64_t j = column + 1; j < n; ++j) lu[row * n + j] -= lu[row * n + column] * lu[column * n + j];
      }
    }
  });
  return absl::OkStatus();
}

Values solve(Builder& b, const Node& node) {
  Value right = node.operand(1);
  Values lu = b.call_all("lu", {node.operand(0)});
  Value order = b.broadcast_to(b.expand_dims(lu[1], -1), right.dims());
  Value rows = b.call("gather_elements", {right, order}, {{"axis", std::int64_t{-2}}});
  Value lower = triangular_solve(b, lu[0], rows, /*lower=*/true, /*transpose_a=*/false, /*unit=*/true);
  return {triangular_solve(b, lu[0], lower, /*lower=*/false, /*transpose_a=*/false)};
}

// A X = B: dB = A^-T dX, dA = -dB X^T.
Values vjp_solve(Builder& b, Node& node, const Values& grads) {
  Value right = b.call("solve", {transposed(b, node.operand(0)), grads[0]});
  return {-b.matmul(right, node.result(), false, true), right};
}

// d det = det A^-T.
Values vjp_det(Builder& b, Node& node, const Values& grads) {
  Value a = node.operand(0);
  Value inverse = b.call("solve", {transposed(b, a), identity_like(b, a)});
  Value scale = grads[0] * node.result();
  return {b.expand_dims(b.expand_dims(scale, -1), -1) * inverse};
}

// ---- cholesky

loop::Kernel cholesky_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType& type = node.operand(0).type();
  const Expr n = loop::dim(type.dim(-1));
  return k.rows(batch_of(type), [&](const Exprs& batch) -> Statements {
    auto at = [&](const Expr& row, const Expr& col) { return concatenated(batch, {row, col}); };
    auto l = [&](const Expr& row, const Expr& col) { return loop::load(k.result(0), at(row, col)); };
    BufferRef rest = scalar("rest", type.dtype);
    StmtRef rows = count("row", n, [&](const Expr& row) -> Statements {
      StmtRef lower = count("col", row + 1, [&](const Expr& col) -> Statements {
        StmtRef subtract = count("k", col, [&](const Expr& i) -> Statements {
          return {loop::store(rest, {}, loop::load(rest, {}) - l(row, i) * l(col, i))};
        });
        Expr left = loop::load(rest, {});
        StmtRef on = loop::store(k.result(0), at(row, col), loop::op(loop::ScalarOp::k_sqrt, {left}));
        StmtRef below = loop::store(k.result(0), at(row, col), left / l(col, col));
        return {loop::store(rest, {}, loop::load(k.param(0), at(row, col))), subtract,
                loop::if_then(loop::eq(row, col), on, below)};
      });
      StmtRef upper = count("col", n - row - 1, [&](const Expr& col) -> Statements {
        return {loop::store(k.result(0), at(row, row + 1 + col), loop::constant(0, type.dtype))};
      });
      return {lower, upper};
    });
    return {loop::alloc(rest), rows};
  });
}

absl::Status reference_cholesky(const RefContext& c) {
  const std::int64_t n = c.operands[0]->dims.back();
  for_each_matrix(*c.operands[0], [&](std::int64_t number) {
    const double* a = c.operands[0]->data.data() + number * n * n;
    double* l = c.results[0].data.data() + number * n * n;
    for (std::int64_t row = 0; row < n; ++row) {
      for (std::int64_t col = 0; col <= row; ++col) {
        double rest = a[row * n + col];
        for (std::int64_t i = 0; i < col; ++i) rest -= l[row * n + i] * l[col * n + i];
        l[row * n + col] = row == col ? std::sqrt(rest) : rest / l[col * n + col];
      }
    }
  });
  return absl::OkStatus();
}

// With F = the lower triangle of L^T dL, its diagonal halved: dA is the symmetric part of L^-T F L^-1.
Values vjp_cholesky(Builder& b, Node& node, const Values& grads) {
  Value l = node.result();
  Value product = b.matmul(l, grads[0], true, false);
  Value half = triangle_of(b, product, true, true) - 0.5 * product * identity_like(b, product);
  Value left = triangular_solve(b, l, half, /*lower=*/true, /*transpose_a=*/true);
  Value both = triangular_solve(b, l, transposed(b, left), /*lower=*/true, /*transpose_a=*/true);
  return {0.5 * (both + transposed(b, both))};
}

Op square(std::string_view name) {
  Op op(name);
  op.input("a", "float", "[…, n, n]");
  return op;
}

void add_factors(Registry& r) {
  r.add(square("lu")
            .doc("Lower and upper triangular factors in one matrix, the rows of a that they are of, and the sign of "
                 "that order.")
            .infer(infer_lu)
            .kernel(lu_kernel)
            .reference(reference_lu)
            .not_differentiable("made by others, which have gradients of their own")
            .internal());
  r.add(square("cholesky")
            .doc("The lower triangular matrix whose product with its transpose is a, of which the lower triangle is "
                 "read.")
            .mirrors("keras.ops.cholesky")
            .infer(infer_square)
            .kernel(cholesky_kernel)
            .reference(reference_cholesky)
            .vjp(vjp_cholesky)
            .sample({.operands = {"f32[1,1]"}, .low = 1, .high = 2})
            .sample({.operands = {"f32[N,1,1]"}, .low = 1, .high = 2, .bindings = {{"N", 3}}})
            .fixture("torch:t_cholesky"));
}

void add_solvers(Registry& r) {
  r.add(square("triangular_solve")
            .doc("X of a X = b, where a is a triangle: what lies beyond it is not read.")
            .mirrors("keras.ops.solve_triangular")
            .input("b", "float", "[…, n, columns]")
            .attr("lower", false, "whether a is its lower triangle")
            .attr("transpose_a", false, "whether the transpose of a is meant")
            .attr("unit_diagonal", false, "whether the diagonal of a counts as 1")
            .infer(infer_solve)
            .kernel(triangular_solve_kernel)
            .reference(reference_triangular_solve)
            .vjp(vjp_triangular_solve)
            .sample({.operands = {"f32[3,3]", "f32[3,2]"}, .low = 1, .high = 2})
            .sample({.operands = {"f32[N,3,3]", "f32[N,3,1]"},
                     .attrs = {{"lower", true}, {"transpose_a", true}},
                     .low = 1,
                     .high = 2,
                     .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[2,3,3]", "f32[2,3,2]"}, .attrs = {{"lower", true}, {"unit_diagonal", true}}})
            .fixture("torch:t_solve"));
  r.add(square("solve")
            .doc("X of a X = b, by elimination with the largest element of a column in the lead.")
            .mirrors("keras.ops.solve")
            .input("b", "float", "[…, n, columns]")
            .infer(infer_solve)
            .decompose(solve)
            .vjp(vjp_solve)
            .sample({.operands = {"f32[1,1]", "f32[1,3]"}, .low = 1, .high = 2})
            .sample({.operands = {"f32[N,2,2]", "f32[N,2,3]"}, .bindings = {{"N", 3}}})
            .fixture("torch:t_solve"));
  r.add(square("inverse")
            .doc("The matrix whose product with a is the identity.")
            .mirrors("keras.ops.inv")
            .infer(infer_square)
            .decompose([](Builder& b, const Node& n) -> Values {
              return {b.call("solve", {n.operand(0), identity_like(b, n.operand(0))})};
            })
            .sample({.operands = {"f32[2,2]"}})
            .sample({.operands = {"f32[N,1,1]"}, .low = 1, .high = 2, .bindings = {{"N", 2}}})
            .fixture("torch:t_inv"));
  r.add(square("det")
            .doc("The determinant.")
            .mirrors("keras.ops.det")
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              if (absl::Status status = check_square(c.operand(0)); !status.ok()) return status;
              return Types{{c.operand(0).dtype, batch_of(c.operand(0))}};
            })
            .decompose([](Builder& b, const Node& n) -> Values {
              Values lu = b.call_all("lu", {n.operand(0)});
              return {b.reduce("reduce_prod", diagonal_of(b, lu[0]), {-1}) * lu[2]};
            })
            .vjp(vjp_det)
            .sample({.operands = {"f32[3,3]"}})
            .sample({.operands = {"f32[N,2,2]"}, .bindings = {{"N", 3}}})
            .fixture("torch:t_det"));
}

}  // namespace

void add_solve_ops(Registry& r) {
  add_factors(r);
  add_solvers(r);
}

}  // namespace mica::ir
