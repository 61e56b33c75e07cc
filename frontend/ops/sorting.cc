// Operations by order: sorts, the largest elements, quantiles.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

OperationDef sorting(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    Tensor x = a.find("axis") ? a.tensor("x") : a.tensor("x").flatten();
    return {apply(op, {x}, {{"axis", std::int64_t{checked_axis(a.integer("axis", 0), x.dim(), op)}}})};
  };
  return {class_name, "numpy", {"axis"}, {"x"}, compute, {op, {{"axis", "axis"}}}};
}

Tensors top_k(const Arguments& a) {
  return apply_all("top_k", {a.tensor("x")}, {{"k", a.integer("k")}, {"axis", std::int64_t{-1}}});
}

Tensor search(const Tensor& sequence, const Tensor& values, bool right) {
  DType dtype = ir::promote(sequence.dtype(), values.dtype());
  return apply("searchsorted", {cast(sequence, dtype), cast(values, dtype)}, {{"right", right}});
}

Tensors search_sorted(const Arguments& a) {
  return {search(a.tensor("sorted_sequence"), a.tensor("values"), a.text("side", "left") == "right")};
}

// Whether fewer than k predictions of the row are larger than that of the target.
Tensors in_top_k(const Arguments& a) {
  Tensor predictions = a.tensor("predictions"), targets = a.tensor("targets").unsqueeze(-1);
  ir::Attrs along_classes = {{"axis", std::int64_t{-1}}, {"called", std::string("labels")}};
  Tensor of_target = apply("gather_elements", {predictions, targets}, std::move(along_classes));
  return {cast(predictions > of_target, kInt32).sum(-1) < a.integer("k")};
}

// x with the axes that are folded moved to the end and joined.
Tensor folded_last(const Tensor& x, const std::vector<std::int64_t>& axes) {
  std::vector<std::int64_t> order;
  for (std::int64_t axis = 0; axis < x.dim(); ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) order.push_back(axis);
  }
  order.insert(order.end(), axes.begin(), axes.end());
  Tensor moved = x.permute(order);
  return moved.flatten(x.dim() - static_cast<int>(axes.size()), -1);
}

// Between the two sorted elements beside it. Keras' operation keeps a `method` in files but computes no other.
Tensor quantile(const Arguments& a, const Tensor& given, double q) {
  Tensor x = to_floating(given);
  std::vector<std::int64_t> axes = axes_of(a, "axis", x);
  Tensor row = folded_last(x, axes);
  std::int64_t n = row.size(-1);
  if (n == kAny) {
    throw Error({.where = "Quantile",
                 .expected = "the sizes of the folded axes to be known",
                 .received = describe(x),
                 .hint = {}});
  }
  Tensor sorted = apply("sort", {row}, {{"axis", std::int64_t{-1}}});
  double position = q * static_cast<double>(n - 1), floor = std::floor(position);
  Tensor value = sorted.select(-1, static_cast<std::int64_t>(floor));
  if (position != floor) {
    Tensor next = sorted.select(-1, static_cast<std::int64_t>(floor) + 1);
    value = value + (next - value) * (position - floor);
  }
  if (!a.truth("keepdims")) return value;
  ir::Dims dims = dims_of(x);
  for (std::int64_t axis : axes) dims[static_cast<std::size_t>(axis)] = ir::Dim(1);
  return reshape_dims(value, std::move(dims));
}

// `unit` is what a whole is: 1 of a quantile, 100 of a percentile. Several q give several results, stacked.
Tensors quantiles(const Arguments& a, double unit) {
  const Argument& q = *a.find("q");
  bool single = !q.get_if<Argument::List>() && !(q.get_if<Tensor>() && q.get_if<Tensor>()->dim() > 0);
  Tensors results;
  for (double part : a.tensor("q").to_vector<double>()) results.push_back(quantile(a, a.tensor("x"), part / unit));
  return {single ? results[0] : stack(results, 0)};
}

}  // namespace

OperationDefs sorting_operations() {
  return {
      sorting("Sort", "sort"),
      sorting("Argsort", "argsort"),
      {"TopK", "math", {"k", "sorted"}, {"x"}, top_k},
      {"InTopK", "math", {"k"}, {"targets", "predictions"}, in_top_k},
      {"SearchSorted", "numpy", {"side"}, {"sorted_sequence", "values"}, search_sorted},
      {"Digitize",
       "numpy",
       {},
       {"x", "bins"},
       [](const Arguments& a) -> Tensors { return {search(a.tensor("bins"), a.tensor("x"), true)}; }},
      {"Median",
       "numpy",
       {"axis", "keepdims"},
       {"x"},
       [](const Arguments& a) -> Tensors { return {quantile(a, a.tensor("x"), 0.5)}; }},
      {"Quantile",
       "numpy",
       {"axis", "method", "keepdims"},
       {"x", "q"},
       [](const Arguments& a) { return quantiles(a, 1); }},
      {"Percentile",
       "numpy",
       {"axis", "method", "keepdims"},
       {"x", "q"},
       [](const Arguments& a) { return quantiles(a, 100); }},
  };
}

}  // namespace mica::internal
