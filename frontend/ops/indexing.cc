// Elements by position: x[…], take, one-hot.
#include "frontend/graph/indexing.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

Index index_of(const Argument& entry) {
  if (const auto* position = entry.get_if<std::int64_t>()) return *position;
  if (const auto* slice = entry.get_if<Slice>()) return *slice;
  if (const auto* rest = entry.get_if<EllipsisType>()) return *rest;
  if (const auto* positions = entry.get_if<Tensor>()) return *positions;
  if (entry.is_none()) return kNewAxis;
  return Arguments{{"key", entry}}.tensor("key");
}

Tensors get_item(const Arguments& a) {
  std::vector<Index> key;
  const Argument* given = a.find("key");
  const auto* list = given ? given->get_if<Argument::List>() : nullptr;
  if (list) {
    for (const Argument& entry : *list) key.push_back(index_of(entry));
  } else {
    key.push_back(given ? index_of(*given) : Index(kNewAxis));
  }
  return {indexed(a.tensor("x"), key)};
}

// Positions counted from the front, where the axis is known.
Tensor from_front(const Tensor& positions, const Tensor& x, int axis) {
  const ir::Dim& extent = dims_of(x)[static_cast<std::size_t>(axis)];
  Tensor counted = positions.dtype().is_integral() ? positions : cast(positions, kInt32);
  return extent.is_static() ? mica::where(counted < 0, counted + extent.value(), counted) : counted;
}

Tensors take(const Arguments& a, std::string_view op) {
  Tensor x = a.tensor("x"), indices = a.tensor("indices");
  if (!a.find("axis")) {
    x = x.flatten();
    if (op == "gather_elements") indices = indices.flatten();
  }
  int axis = checked_axis(a.integer("axis", 0), x.dim(), "axis");
  return {apply(op, {x, from_front(indices, x, axis)}, {{"axis", std::int64_t{axis}}})};
}

Tensors one_hot(const Arguments& a) {
  Tensor x = a.tensor("x");
  return {apply("one_hot", {x.dtype().is_integral() ? x : cast(x, kInt32)},
                {{"num_classes", a.integer("num_classes")},
                 {"axis", a.integer("axis", -1)},
                 {"dtype", a.dtype("dtype").value_or(kFloat32)}})};
}

// 1 where one of the labels along the last axis names the class.
Tensors multi_hot(const Arguments& a) {
  Tensor x = a.tensor("inputs");
  Tensor each = apply("one_hot", {x.dtype().is_integral() ? x : cast(x, kInt32)},
                      {{"num_classes", a.integer("num_classes")},
                       {"axis", a.integer("axis", -1)},
                       {"dtype", a.dtype("dtype").value_or(kFloat32)}});
  return {each.amax(x.dim() == 1 ? 0 : -2)};
}

// `shape` elements from `start_indices` on.
Tensors slice(const Arguments& a) {
  Tensor x = a.tensor("inputs");
  std::vector<std::int64_t> start = a.integers("start_indices"), sizes = a.integers("shape");
  for (std::size_t i = 0; i < start.size(); ++i) {
    const ir::Dim& extent = dims_of(x)[i];
    ir::Dim stop = sizes[i] == -1 ? extent : ir::Dim(start[i] + sizes[i]);
    x = apply(
        "slice", {x},
        {{"axis", static_cast<std::int64_t>(i)}, {"start", ir::Dims{ir::Dim(start[i])}}, {"stop", ir::Dims{stop}}});
  }
  return {x};
}

}  // namespace

OperationDefs indexing_operations() {
  return {
      {"GetItem", "numpy", {}, {"x", "key"}, get_item},
      {"Take",
       "numpy",
       {"axis"},
       {"x", "indices"},
       [](const Arguments& a) { return take(a, "gather"); },
       {"gather", {{"axis", "axis"}, {"called", ""}}}},
      {"TakeAlongAxis",
       "numpy",
       {"axis"},
       {"x", "indices"},
       [](const Arguments& a) { return take(a, "gather_elements"); },
       {"gather_elements", {{"axis", "axis"}, {"called", ""}}}},
      {"OneHot",
       "nn",
       {"num_classes", "axis", "dtype", "sparse"},
       {"x"},
       one_hot,
       {"one_hot", {{"num_classes", "num_classes"}, {"axis", "axis"}, {"dtype", "dtype"}}}},
      {"MultiHot", "nn", {"num_classes", "axis", "dtype", "sparse"}, {"inputs"}, multi_hot},
      {"Slice", "core", {"shape"}, {"inputs", "start_indices"}, slice},
  };
}

}  // namespace mica::internal
