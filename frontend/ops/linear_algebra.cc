// Products of tensors, norms, and factors of matrices.
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functions.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

Tensors matmul_of(const Arguments& a) { return {a.tensor("x1").matmul(a.tensor("x2"))}; }

// Contracts these axes of both. The free axes stay in order, those of x1 first.
Tensor contracted(const Tensor& x1, const Tensor& x2, const std::vector<std::int64_t>& axes1,
                  const std::vector<std::int64_t>& axes2) {
  std::string first(static_cast<std::size_t>(x1.dim()), ' '), second(static_cast<std::size_t>(x2.dim()), ' '), result;
  char letter = 'a';
  for (std::size_t i = 0; i < axes1.size(); ++i)
    first[static_cast<std::size_t>(axes1[i])] = second[static_cast<std::size_t>(axes2[i])] = letter++;
  for (std::string* operand : {&first, &second}) {
    for (char& axis : *operand) {
      if (axis == ' ') result += axis = letter++;
    }
  }
  return einsum(absl::StrCat(first, ",", second, "->", result), {x1, x2});
}

Tensors tensordot(const Arguments& a) {
  Tensor x1 = a.tensor("x1"), x2 = a.tensor("x2");
  std::vector<std::int64_t> axes1, axes2;
  const auto* lists = a.find("axes") ? a.find("axes")->get_if<Argument::List>() : nullptr;
  if (!lists) {
    std::int64_t count = a.integer("axes", 2);
    for (std::int64_t i = 0; i < count; ++i) {
      axes1.push_back(x1.dim() - count + i);
      axes2.push_back(i);
    }
  } else {
    axes1 = axes_of(Arguments{{"axes", lists->front()}}, "axes", x1);
    axes2 = axes_of(Arguments{{"axes", lists->back()}}, "axes", x2);
  }
  return {contracted(x1, x2, axes1, axes2)};
}

// The last axis of x1 with the last but one of x2, or its only one; numbers multiply.
Tensors dot_of(const Arguments& a) {
  Tensor x1 = a.tensor("x1"), x2 = a.tensor("x2");
  if (x1.dim() == 0 || x2.dim() == 0) return {x1 * x2};
  return {contracted(x1, x2, {x1.dim() - 1}, {std::max(0, x2.dim() - 2)})};
}

Tensors inner(const Arguments& a) {
  Tensor x1 = a.tensor("x1"), x2 = a.tensor("x2");
  if (x1.dim() == 0 || x2.dim() == 0) return {x1 * x2};
  return {contracted(x1, x2, {x1.dim() - 1}, {x2.dim() - 1})};
}

// The product of vectors in space, along the last axes.
Tensors cross(const Arguments& a) {
  Tensor x = a.tensor("x1"), y = a.tensor("x2");
  auto axis_of = [&](std::string_view name) {
    return static_cast<int>(a.find("axis") ? a.integer("axis") : a.integer(name, -1));
  };
  Tensors u = x.unbind(axis_of("axisa")), v = y.unbind(axis_of("axisb"));
  if (u.size() != 3 || v.size() != 3) {
    throw Error({.where = "Cross",
                 .expected = "vectors of 3 elements",
                 .received = absl::StrCat(u.size(), " and ", v.size()),
                 .hint = {}});
  }
  return {stack({u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]}, axis_of("axisc"))};
}

Tensors kronecker(const Arguments& a) {
  Tensor x = a.tensor("x1"), y = a.tensor("x2");
  while (x.dim() < y.dim()) x = x.unsqueeze(0);
  while (y.dim() < x.dim()) y = y.unsqueeze(0);
  ir::Dims dims;
  for (int i = 0; i < x.dim(); ++i)
    dims.push_back(dims_of(x)[static_cast<std::size_t>(i)] * dims_of(y)[static_cast<std::size_t>(i)]);
  int rank = x.dim();
  for (int i = 0; i < rank; ++i) {
    x = x.unsqueeze(2 * i + 1);
    y = y.unsqueeze(2 * i);
  }
  return {reshape_dims(x * y, std::move(dims))};
}

Tensors norm(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  std::vector<std::int64_t> axes = axes_of(a, "axis", x);
  ir::Attrs attrs = {{"axes", axes}, {"keepdims", a.truth("keepdims")}};
  auto fold = [&](std::string_view op, const Tensor& y) { return apply(op, {y}, attrs); };
  const Argument* order = a.find("ord");
  const auto* name = order ? order->get_if<std::string>() : nullptr;
  if (!order || (name && (*name == "fro" || *name == "euclidean"))) return {sqrt(fold("reduce_sum", square(x)))};
  double p = name ? (*name == "inf" ? 1 : -1) * std::numeric_limits<double>::infinity() : a.real("ord");
  if (name ? *name != "inf" && *name != "-inf" : axes.size() != 1) {
    throw Error({.where = "Norm",
                 .expected = "ord of None, \"fro\", or of vectors (one axis)",
                 .received = name ? *name : absl::StrCat(p, " of a matrix"),
                 .hint = {}});
  }
  if (std::isinf(p)) return {fold(p > 0 ? "reduce_max" : "reduce_min", abs(x))};
  if (p == 0) return {fold("reduce_sum", cast(x != 0, x.dtype()))};
  if (p == 1) return {fold("reduce_sum", abs(x))};
  if (p == 2) return {sqrt(fold("reduce_sum", square(x)))};
  return {fold("reduce_sum", abs(x).pow(p)).pow(1 / p)};
}

Tensors qr(const Arguments& a) {
  const std::string mode = a.text("mode", "reduced");
  linalg::QR factors = linalg::qr(a.tensor("x"), {.mode = mode});
  return {factors.Q, factors.R};
}

Tensors svd(const Arguments& a) {
  linalg::SVD factors = linalg::svd(a.tensor("x"), {.full_matrices = a.truth("full_matrices", true)});
  if (!a.truth("compute_uv", true)) return {factors.S};
  return {factors.U, factors.S, factors.Vh};
}

Tensors eigh(const Arguments& a) {
  linalg::Eigh factors = linalg::eigh(a.tensor("x"));
  return {factors.eigenvalues, factors.eigenvectors};
}

Tensors lstsq(const Arguments& a) {
  std::optional<double> rcond;
  if (a.find("rcond")) rcond = a.real("rcond");
  return {linalg::lstsq(a.tensor("a"), a.tensor("b"), rcond).solution};
}

}  // namespace

OperationDefs linear_algebra_operations() {
  return {
      {"Matmul", "numpy", {}, {"x1", "x2"}, matmul_of},
      {"Dot", "numpy", {}, {"x1", "x2"}, dot_of},
      {"Inner", "numpy", {}, {"x1", "x2"}, inner},
      {"Tensordot", "numpy", {"axes"}, {"x1", "x2"}, tensordot},
      {"Outer",
       "numpy",
       {},
       {"x1", "x2"},
       [](const Arguments& a) -> Tensors { return {outer(a.tensor("x1").flatten(), a.tensor("x2").flatten())}; }},
      {"Vdot",
       "numpy",
       {},
       {"x1", "x2"},
       [](const Arguments& a) -> Tensors { return {a.tensor("x1").flatten().dot(a.tensor("x2").flatten())}; }},
      {"Einsum",
       "numpy",
       {"subscripts"},
       {"*operands"},
       [](const Arguments& a) -> Tensors { return {einsum(a.text("subscripts"), a.tensors("*operands"))}; }},
      {"Cross", "numpy", {"axisa", "axisb", "axisc", "axis"}, {"x1", "x2"}, cross},
      {"Kron", "numpy", {}, {"x1", "x2"}, kronecker},
      {"Norm", "linalg", {"ord", "axis", "keepdims"}, {"x"}, norm},
      {"Qr", "linalg", {"mode"}, {"x"}, qr},
      {"SVD", "linalg", {"full_matrices", "compute_uv"}, {"x"}, svd},
      {"Eigh", "linalg", {}, {"x"}, eigh},
      {"Lstsq", "linalg", {"rcond"}, {"a", "b"}, lstsq},
  };
}

}  // namespace mica::internal
