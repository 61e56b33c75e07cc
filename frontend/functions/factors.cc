// torch.linalg.*: factors of matrices, and what is computed by them.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica::linalg {

using internal::apply;
using internal::apply_all;
using internal::FunctionScope;
using internal::to_floating;

namespace {

void check_choice(const char* where, const std::string& value, std::initializer_list<const char*> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  throw Error({.where = where,
               .expected = absl::StrCat("one of ", absl::StrJoin(allowed, ", ")),
               .received = absl::StrCat("\"", value, "\""),
               .hint = {}});
}

Tensors decomposed(const Tensor& A, bool full_matrices) {
  return apply_all("svd", {to_floating(A)}, {{"full_matrices", full_matrices}});
}

// What counts as zero beside the largest singular value, for each row or column of the longer side.
double usual_tolerance(const Tensor& A) {
  return A.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
}

}  // namespace

QR qr(const Tensor& A, QROptions options) {
  FunctionScope scope("linalg::qr");
  check_choice("linalg::qr", options.mode, {"reduced", "complete"});
  Tensors factors = apply_all("qr", {to_floating(A)}, {{"complete", options.mode == "complete"}});
  return {factors[0], factors[1]};
}

SVD svd(const Tensor& A, SVDOptions options) {
  FunctionScope scope("linalg::svd");
  Tensors factors = decomposed(A, options.full_matrices);
  return {factors[0], factors[1], factors[2]};
}

Tensor svdvals(const Tensor& A) {
  FunctionScope scope("linalg::svdvals");
  return decomposed(A, false)[1];
}

Eigh eigh(const Tensor& A, EighOptions options) {
  FunctionScope scope("linalg::eigh");
  check_choice("linalg::eigh", options.UPLO, {"L", "U"});
  Tensors factors = apply_all("eigh", {to_floating(A)}, {{"lower", options.UPLO == "L"}});
  return {factors[0], factors[1]};
}

Tensor eigvalsh(const Tensor& A, EighOptions options) { return eigh(A, options).eigenvalues; }

Tensor pinv(const Tensor& A) {
  FunctionScope scope("linalg::pinv");
  return apply("pinv", {to_floating(A)}, {{"rtol", usual_tolerance(A)}, {"of_each", true}});
}

LeastSquares lstsq(const Tensor& A, const Tensor& B, std::optional<double> rcond) {
  FunctionScope scope("linalg::lstsq");
  const std::int64_t rows = A.size(-2), columns = A.size(-1);
  if (rows == kAny || columns == kAny) {
    throw Error({.where = "linalg::lstsq",
                 .expected = "matrices of known size",
                 .received = internal::describe(A),
                 .hint = {}});
  }
  const double tolerance = rcond.value_or(usual_tolerance(A) * static_cast<double>(std::max(rows, columns)));
  const bool vector = B.dim() + 1 == A.dim();
  Tensor right = vector ? B.unsqueeze(-1) : B;
  Tensor solution = apply("pinv", {to_floating(A)}, {{"rtol", tolerance}}).matmul(right), values = svdvals(A);
  Tensor counted = values > values.amax(-1, {.keepdim = true}) * tolerance;
  // Where the equations can be fulfilled there is nothing left.
  Tensor residuals = zeros({0});
  if (rows > columns) residuals = (A.matmul(solution) - right).square().sum(-2);
  return {vector ? solution.squeeze(-1) : solution, residuals, counted.to(kInt64).sum(-1), values};
}

}  // namespace mica::linalg
