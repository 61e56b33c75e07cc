// Factors of the matrices in the last two axes. QR reflects columns (Householder); eigenvectors and singular vectors
// come of plane rotations (Jacobi), which are slower than what reduces a matrix first and more accurate, and need no
// case of their own for equal values.
#include "compiler/ops/factor.h"

#include "absl/strings/str_cat.h"
#include "compiler/ops/factor_kernels.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/matrices.h"

namespace mica::ir {
namespace {

TensorType matrices(const TensorType& like, const Dim& rows, const Dim& columns) {
  Dims dims = batch_of(like);
  dims.insert(dims.end(), {rows, columns});
  return {like.dtype, dims};
}

TensorType vectors(const TensorType& like, const Dim& size) {
  Dims dims = batch_of(like);
  dims.push_back(size);
  return {like.dtype, dims};
}

Value columns_of(Builder& b, Value a, const Dim& start, const Dim& stop) {
  return b.slice(a, a.rank() - 1, start, stop);
}
Value rows_of(Builder& b, Value a, const Dim& start, const Dim& stop) { return b.slice(a, a.rank() - 2, start, stop); }
// One number for each column, and one for each row.
Value across(Builder& b, Value x) { return b.expand_dims(x, -2); }
Value down(Builder& b, Value x) { return b.expand_dims(x, -1); }

Value or_zeros(Builder& b, Value gradient, Value of) { return gradient ? gradient : b.full_like(0, of); }

// ---- qr

absl::StatusOr<Types> infer_qr(const InferContext& c) {
  const TensorType& a = c.operand(0);
  if (absl::Status status = check_sides(a); !status.ok()) return status;
  const Sides size(a);
  const Dim& inner = c.attrs.flag("complete") ? size.rows : size.least();
  return Types{matrices(a, size.rows, inner), matrices(a, inner, size.columns)};
}

Values qr(Builder& b, const Node& node) {
  const Dim inner = node.result_types()[0].dim(-1);
  Values factors = b.call_all("householder", {with_bounded_sides(b, node.operand(0))});
  Value q = b.call("householder_columns", {factors[0], factors[1]}, {{"columns", Dims{inner}}});
  return {q, triangle_of(b, rows_of(b, factors[0], 0, inner), /*lower=*/false, /*diagonal=*/true)};
}

// A of at least as many rows as columns: with M = R dRᵀ - dQᵀ Q and C its lower triangle copied over the upper one,
// dA = (dQ + Q C) R⁻ᵀ.
Value tall_qr_gradient(Builder& b, Value q, Value r, Value dq, Value dr) {
  Value m = b.matmul(r, dr, false, true) - b.matmul(dq, q, true, false);
  Value below = triangle_of(b, m, true, false);
  Value both = triangle_of(b, m, true, true) + transposed(b, below);
  Value right = dq + b.matmul(q, both);
  // X Rᵀ = right, as R Xᵀ = rightᵀ.
  Value solved = b.call("triangular_solve", {r, transposed(b, right)}, {{"lower", false}});
  return transposed(b, solved);
}

Values vjp_qr(Builder& b, Node& node, const Values& grads) {
  const Sides size(node.operand(0).type());
  const Dim& k = size.least();
  Value q = columns_of(b, node.result(0), 0, k), r = rows_of(b, node.result(1), 0, k);
  Value dq = columns_of(b, or_zeros(b, grads[0], node.result(0)), 0, k);
  Value dr = rows_of(b, or_zeros(b, grads[1], node.result(1)), 0, k);
  if (size.is_tall()) return {tall_qr_gradient(b, q, r, dq, dr)};
  // A = [X Y], R = [U V]: X = Q U, and Y = Q V gives its part of dQ.
  Value y = columns_of(b, node.operand(0), k, size.columns), dv = columns_of(b, dr, k, size.columns);
  Value dx = tall_qr_gradient(b, q, columns_of(b, r, 0, k), dq + b.matmul(y, dv, false, true), columns_of(b, dr, 0, k));
  return {b.concat({dx, b.matmul(q, dv)}, dx.rank() - 1)};
}

// ---- eigh

absl::StatusOr<Types> infer_eigh(const InferContext& c) {
  const TensorType& a = c.operand(0);
  if (absl::Status status = check_square(a); !status.ok()) return status;
  return Types{vectors(a, a.dim(-1)), a};
}

// The columns of a in the order that `order` has along the last axis.
Value columns_in_order(Builder& b, Value a, Value order) {
  Dims dims = order.dims();
  dims.insert(dims.end() - 1, a.dims()[a.dims().size() - 2]);
  return b.call("gather_elements", {a, b.broadcast_to(across(b, order), dims)}, {{"axis", std::int64_t{-1}}});
}

Values eigh(Builder& b, const Node& node) {
  Value a = node.operand(0);
  const bool lower = node.attrs().flag("lower");
  Value symmetric = triangle_of(b, a, lower, true) + transposed(b, triangle_of(b, a, lower, false));
  Values rotated = b.call_all("jacobi_eigh", {symmetric});
  Value values = diagonal_of(b, rotated[0]);
  Value order = b.call("argsort", {values});
  return {b.call("gather_elements", {values, order}, {{"axis", std::int64_t{-1}}}),
          columns_in_order(b, rotated[1], order)};
}

// x / (Lj - Li), 0 on the diagonal.
Value over_differences(Builder& b, Value x, Value l) {
  Value same = identity_like(b, x);
  return (1 - same) * x / (across(b, l) - down(b, l) + same);
}

// dA is the symmetric part of V (dL + (Vᵀ dV) / (Lj - Li)) Vᵀ. Where two values are equal, their vectors are free and
// have none.
Values vjp_eigh(Builder& b, Node& node, const Values& grads) {
  Value l = node.result(0), v = node.result(1);
  Value inner = identity_like(b, v) * across(b, or_zeros(b, grads[0], l));
  if (grads[1]) inner = inner + over_differences(b, b.matmul(v, grads[1], true, false), l);
  Value gradient = b.matmul(b.matmul(v, inner), v, false, true);
  return {0.5 * (gradient + transposed(b, gradient))};
}

// ---- svd

absl::StatusOr<Types> infer_svd(const InferContext& c) {
  const TensorType& a = c.operand(0);
  if (absl::Status status = check_sides(a); !status.ok()) return status;
  const Sides size(a);
  const bool full = c.attrs.flag("full_matrices");
  return Types{matrices(a, size.rows, full ? size.rows : size.least()), vectors(a, size.least()),
               matrices(a, full ? size.columns : size.least(), size.columns)};
}

// Orthonormal columns, the first of which are those of `unit`; where that has zeros, and beyond it, any that fit.
Value completed(Builder& b, Value unit, bool full) {
  Values factors = b.call_all("qr", {unit}, {{"complete", full}});
  const Sides size(unit.type());
  // Q is the given columns but for their signs, which the diagonal of R has.
  Value signs = diagonal_of(b, rows_of(b, factors[1], 0, size.columns));
  signs = b.where(b.lt(signs, b.like(0, signs)), b.like(-1, signs), b.like(1, signs));
  Value given = columns_of(b, factors[0], 0, size.columns) * across(b, signs);
  if (!full || size.rows == size.columns) return given;
  return b.concat({given, columns_of(b, factors[0], size.columns, size.rows)}, unit.rank() - 1);
}

// U, S and V of a matrix of at least as many rows as columns.
struct Factors {
  Value u, s, v;
};
Factors tall_svd(Builder& b, Value a, bool full) {
  Values rotated = b.call_all("jacobi_svd", {a});  // U S and V
  Value lengths = b.sqrt(b.sum(rotated[0] * rotated[0], {-2}));
  Value order = b.call("argsort", {lengths}, {{"descending", true}});
  Value s = b.call("gather_elements", {lengths, order}, {{"axis", std::int64_t{-1}}});
  Value is_zero = b.eq(s, b.like(0, s));
  Value unit = columns_in_order(b, rotated[0], order) / across(b, b.where(is_zero, b.like(1, s), s));
  return {completed(b, unit, full), s, columns_in_order(b, rotated[1], order)};
}

Values svd(Builder& b, const Node& node) {
  Value a = with_bounded_sides(b, node.operand(0));
  const Sides size(a.type());
  const bool full = node.attrs().flag("full_matrices");
  const bool tall = size.is_tall();
  Factors f = tall_svd(b, tall ? a : transposed(b, a), full);
  if (!tall) std::swap(f.u, f.v);
  // No rotation makes columns with infinite numbers orthogonal: their matrices have no factors, which NaN says.
  Value none = b.sum(a * 0.0, {-2, -1}, /*keepdims=*/true);
  return {f.u + none, f.s + b.squeeze(none, -1), transposed(b, f.v) + none};
}

// With E = Sj² - Si² and skew(X) = X - Xᵀ:
// dA = U (skew(Uᵀ dU) / E S + S skew(Vᵀ dV) / E + dS) Vᵀ, and what dU and dV have beside U and V.
Values vjp_svd(Builder& b, Node& node, const Values& grads) {
  const Dim k = Sides(node.operand(0).type()).least();
  Value u = columns_of(b, node.result(0), 0, k), s = node.result(1), vh = rows_of(b, node.result(2), 0, k);
  auto skew = [&](Value x) { return over_differences(b, x - transposed(b, x), s * s); };
  Value inner = identity(b, matrices(u.type(), k, k)) * across(b, or_zeros(b, grads[1], s));
  Value beside;
  auto add_beside = [&](Value x) { beside = beside ? beside + x : x; };
  if (grads[0]) {
    Value du = columns_of(b, grads[0], 0, k), along = b.matmul(u, du, true, false);
    inner = inner + skew(along) * across(b, s);
    add_beside(b.matmul((du - b.matmul(u, along)) / across(b, s), vh));
  }
  if (grads[2]) {
    Value dvh = rows_of(b, grads[2], 0, k), along = b.matmul(vh, dvh, false, true);  // Vᵀ dV
    inner = inner + down(b, s) * skew(along);
    add_beside(b.matmul(u / across(b, s), dvh - b.matmul(along, vh, true, false)));
  }
  Value gradient = b.matmul(b.matmul(u, inner), vh);
  return {beside ? gradient + beside : gradient};
}

// ---- pinv

absl::StatusOr<Types> infer_pinv(const InferContext& c) {
  const TensorType& a = c.operand(0);
  if (absl::Status status = check_sides(a); !status.ok()) return status;
  return Types{matrices(a, a.dim(-1), a.dim(-2))};
}

Values pinv(Builder& b, const Node& node) {
  Values f = b.call_all("svd", {node.operand(0)}, {{"full_matrices", false}});
  Value s = f[1], least = b.reduce_max(s, {-1}, /*keepdims=*/true) * node.attrs().number("rtol");
  if (node.attrs().flag("of_each")) least = least * b.dim_value(Sides(node.operand(0).type()).most(), s.dtype());
  Value counts = b.gt(s, least);
  Value inverse = b.where(counts, b.like(1, s) / b.where(counts, s, b.like(1, s)), b.like(0, s));
  return {b.matmul(transposed(b, f[2]) * across(b, inverse), f[0], false, true)};
}

// As long as the rank stays: dA = -Pᵀ dP Pᵀ + (1 - A P) dPᵀ P Pᵀ + Pᵀ P dPᵀ (1 - P A).
Values vjp_pinv(Builder& b, Node& node, const Values& grads) {
  Value a = node.operand(0), p = node.result(), g = grads[0];
  Value within = b.matmul(b.matmul(p, g, true, false), p, false, true);
  Value columns = b.matmul(b.matmul(g, p, true, false), p, false, true);
  columns = columns - b.matmul(a, b.matmul(p, columns));
  Value rows = b.matmul(b.matmul(p, p, true, false), g, false, true);
  rows = rows - b.matmul(b.matmul(rows, p), a);
  return {columns + rows - within};
}

Op factored(std::string_view name) {
  Op op(name);
  op.input("a", "float", "[…, m, n]").bounds([](const InferContext& c) { return bounds_of_sides(c.operand(0)); });
  return op;
}

}  // namespace

void add_factor_ops(Registry& r) {
  add_factor_kernel_ops(r);
  r.add(
      factored("qr")
          .doc("Orthonormal columns q and an upper triangle r whose product is a. The gradient of columns beyond "
               "those of a is not taken.")
          .mirrors("keras.ops.qr")
          .attr("complete", false, "whether q is square")
          .infer(infer_qr)
          .decompose(qr)
          .vjp(vjp_qr)
          .sample({.operands = {"f32[3,3]"}})
          .sample({.operands = {"f32[N,4,2]"}, .bindings = {{"N", 3}}})
          .sample({.operands = {"f32[2,2,3]"}})
          .sample({.operands = {"f32[N,2]"}, .bindings = {{"N", 5}}})
          .sample({.operands = {"f32[2,N]"}, .bindings = {{"N", 3}}})
          .sample({.operands = {"f32[N,N]"}, .bindings = {{"N", 3}}})
          .sample({.operands = {"f32[4,2]"}, .attrs = {{"complete", true}}, .gradient = false})
          .sample({.operands = {"f32[N,2]"}, .attrs = {{"complete", true}}, .bindings = {{"N", 4}}, .gradient = false})
          .fixture("hand:factors of small matrices"));
  r.add(factored("eigh")
            .doc("Eigenvalues of symmetric matrices, which ascend, and eigenvectors as columns. Their signs are free.")
            .mirrors("keras.ops.eigh")
            .attr("lower", true, "whether the lower triangle is read, or the upper one")
            .infer(infer_eigh)
            .decompose(eigh)
            .vjp(vjp_eigh)
            .sample({.operands = {"f32[1,1]"}})
            .sample({.operands = {"f32[N,3,3]"}, .bindings = {{"N", 2}}, .gradient = false})
            .sample({.operands = {"f32[N,N]"}, .bindings = {{"N", 3}}, .gradient = false})
            .sample({.operands = {"f32[2,2]"}, .attrs = {{"lower", false}}, .gradient = false})
            .fixture("hand:factors of small matrices"));
  r.add(factored("svd")
            .doc("u, s and vh whose product u diag(s) vh is a; s descends. The signs of the columns of u with their "
                 "rows of vh are free. The gradient of columns and rows beyond s is not taken.")
            .mirrors("keras.ops.svd")
            .attr("full_matrices", true, "whether u and vh are square")
            .infer(infer_svd)
            .decompose(svd)
            .vjp(vjp_svd)
            .sample({.operands = {"f32[N,4,2]"}, .attrs = {{"full_matrices", false}}, .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[2,3]"}, .attrs = {{"full_matrices", false}}})
            .sample({.operands = {"f32[3,3]"}})
            .sample({.operands = {"f32[N,N]"}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[N,2]"}, .attrs = {{"full_matrices", false}}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[4,2]"}, .gradient = false})
            .sample({.operands = {"f32[2,N]"}, .bindings = {{"N", 4}}, .gradient = false})
            .fixture("hand:factors of small matrices"));
  r.add(factored("pinv")
            .doc("The pseudoinverse: singular values up to rtol times the largest one count as zero.")
            .mirrors("keras.ops.pinv")
            .attr("rtol", 1e-6, "what counts as zero, as a part of the largest singular value")
            .attr("of_each", false, "whether that is for each row, or for each column where those are more")
            .infer(infer_pinv)
            .decompose(pinv)
            .vjp(vjp_pinv)
            .sample({.operands = {"f32[N,3,2]"}, .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[N,2]"}, .attrs = {{"of_each", true}}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[2,3]"}})
            .fixture("hand:factors of small matrices"));
}

}  // namespace mica::ir
