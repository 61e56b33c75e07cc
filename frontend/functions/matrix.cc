// torch.* and torch.linalg.* functions of matrices.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::checked_axis;
using internal::dims_of;
using internal::FunctionScope;
using internal::to_floating;

Tensor addmm(const Tensor& x, const Tensor& mat1, const Tensor& mat2, AddmmOptions options) {
  FunctionScope scope("addmm");
  return x * options.beta + mat1.matmul(mat2) * options.alpha;
}
Tensor baddbmm(const Tensor& x, const Tensor& batch1, const Tensor& batch2, AddmmOptions options) {
  FunctionScope scope("baddbmm");
  return x * options.beta + batch1.matmul(batch2) * options.alpha;
}
Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  FunctionScope scope("cdist");
  return linalg::vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), {.ord = p, .dim = -1});
}

Tensor diagonal(const Tensor& x, int offset, int dim1, int dim2) {
  FunctionScope scope("diagonal");
  int row_axis = checked_axis(dim1, x.dim(), "diagonal"), column_axis = checked_axis(dim2, x.dim(), "diagonal");
  std::vector<std::int64_t> order;
  for (int i = 0; i < x.dim(); ++i) {
    if (i != row_axis && i != column_axis) order.push_back(i);
  }
  order.insert(order.end(), {row_axis, column_axis});
  std::int64_t rows = x.size(row_axis), columns = x.size(column_axis);
  std::vector<std::int64_t> positions;
  for (std::int64_t row = std::max(0, -offset); row < rows && row + offset < columns; ++row) {
    positions.push_back(row * columns + row + offset);
  }
  auto count = static_cast<std::int64_t>(positions.size());
  return apply("gather", {x.permute(order).flatten(-2), tensor(positions, {count})}, {{"axis", std::int64_t{-1}}});
}
Tensor diag_embed(const Tensor& x, int offset) {
  FunctionScope scope("diag_embed");
  std::int64_t count = x.size(-1), size = count + std::abs(offset);
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < count; ++i) {
    positions.push_back((i + std::max(0, -offset)) * size + i + std::max(0, offset));
  }
  ir::Dims dims = dims_of(x);
  dims.back() = ir::Dim(size * size);
  Tensor zeros = apply("constant", {}, {{"value", 0.0}, {"dtype", x.dtype()}, {"shape", dims}});
  Tensor flat = apply("scatter_add", {zeros, tensor(positions, {count}), x}, {{"axis", std::int64_t{-1}}});
  return flat.unflatten(-1, {size, size});
}
Tensor diag(const Tensor& x, int offset) {
  FunctionScope scope("diag");
  return x.dim() == 1 ? diag_embed(x, offset) : diagonal(x, offset);
}
Tensor trace(const Tensor& x) {
  FunctionScope scope("trace");
  return diagonal(x).sum();
}

Tensor kron(const Tensor& x, const Tensor& other) {
  FunctionScope scope("kron");
  int rank = std::max(x.dim(), other.dim());
  Tensor a = x, b = other;
  while (a.dim() < rank) a = a.unsqueeze(0);
  while (b.dim() < rank) b = b.unsqueeze(0);
  ir::Dims dims;
  for (int i = 0; i < rank; ++i) {
    dims.push_back(dims_of(a)[static_cast<std::size_t>(i)] * dims_of(b)[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < rank; ++i) {
    a = a.unsqueeze(2 * i + 1);
    b = b.unsqueeze(2 * i);
  }
  return internal::reshape_dims(a * b, dims);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<std::int64_t>& dims_a,
                 const std::vector<std::int64_t>& dims_b) {
  FunctionScope scope("tensordot");
  if (dims_a.size() != dims_b.size()) {
    throw Error({.where = "tensordot",
                 .expected = "as many dims of a as of b",
                 .received = absl::StrCat(dims_a.size(), " and ", dims_b.size()),
                 .hint = {}});
  }
  // Contracted dims `last` or first, the others in order before or after them.
  auto arranged = [](const Tensor& x, const std::vector<std::int64_t>& dims, bool last, ir::Dims& kept) {
    std::vector<std::int64_t> contracted, others;
    for (std::int64_t dim : dims) contracted.push_back(checked_axis(dim, x.dim(), "tensordot"));
    ir::Dim depth(1), rest(1);
    for (int i = 0; i < x.dim(); ++i) {
      const ir::Dim& size = dims_of(x)[static_cast<std::size_t>(i)];
      bool is_contracted = std::find(contracted.begin(), contracted.end(), i) != contracted.end();
      (is_contracted ? depth : rest) = (is_contracted ? depth : rest) * size;
      if (is_contracted) continue;
      others.push_back(i);
      kept.push_back(size);
    }
    std::vector<std::int64_t> order = last ? others : contracted;
    const std::vector<std::int64_t>& tail = last ? contracted : others;
    order.insert(order.end(), tail.begin(), tail.end());
    return internal::reshape_dims(x.permute(order), last ? ir::Dims{rest, depth} : ir::Dims{depth, rest});
  };
  ir::Dims kept;
  Tensor left = arranged(a, dims_a, true, kept), right = arranged(b, dims_b, false, kept);
  return internal::reshape_dims(left.matmul(right), kept);
}
Tensor tensordot(const Tensor& a, const Tensor& b, int dims) {
  std::vector<std::int64_t> last, first;
  for (int i = 0; i < dims; ++i) {
    last.push_back(i - dims);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

namespace linalg {

Tensor cholesky(const Tensor& A) { return apply("cholesky", {to_floating(A)}); }
Tensor det(const Tensor& A) { return apply("det", {to_floating(A)}); }
Tensor inv(const Tensor& A) { return apply("inverse", {to_floating(A)}); }
Tensor solve(const Tensor& A, const Tensor& B) { return apply("solve", {to_floating(A), to_floating(B)}); }

Tensor vector_norm(const Tensor& x, VectorNormOptions options) {
  FunctionScope scope("linalg::vector_norm");
  Tensor y = to_floating(x);
  ReduceOptions keep{.keepdim = options.keepdim};
  double p = options.ord;
  if (std::isinf(p)) return p > 0 ? y.abs().amax(options.dim, keep) : y.abs().amin(options.dim, keep);
  if (p == 0) return (y != 0).to(y.dtype()).sum(options.dim, keep);
  if (p == 1) return y.abs().sum(options.dim, keep);
  if (p != 2) return y.abs().pow(p).sum(options.dim, keep).pow(1 / p);
  Tensor squares = (y * y).sum(options.dim, keep), at_zero = squares == 0;
  return where(at_zero, 0, where(at_zero, 1, squares).sqrt());  // no infinite slope at zero
}

Tensor matrix_norm(const Tensor& A, MatrixNormOptions options) {
  FunctionScope scope("linalg::matrix_norm");
  ReduceOptions keep{.keepdim = options.keepdim};
  const std::string& ord = options.ord;
  if (ord == "fro") return vector_norm(A, {.dim = {-2, -1}, .keepdim = options.keepdim});
  bool of_rows = ord == "inf" || ord == "-inf", of_columns = ord == "1" || ord == "-1";
  if (!of_rows && !of_columns) {
    throw Error({.where = "linalg::matrix_norm",
                 .expected = "ord fro, inf, -inf, 1 or -1",
                 .received = absl::StrCat("\"", ord, "\""),
                 .hint = {}});
  }
  Tensor sums = A.abs().sum(of_rows ? -1 : -2, {.keepdim = true});
  Tensor extreme = ord[0] == '-' ? sums.amin({-2, -1}, keep) : sums.amax({-2, -1}, keep);
  return extreme;
}

}  // namespace linalg
}  // namespace mica
