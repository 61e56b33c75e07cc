// Folds along axes: sums, extremes, statistics, positions of extremes, running sums.
#include <limits>

#include "frontend/graph/apply.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

const std::vector<std::string_view> kAxisOptions = {"axis", "keepdims"};

SameAs folds_as(std::string_view op) { return {op, {{"axes", "axis"}, {"keepdims", "keepdims"}}}; }

Tensor fold(std::string_view op, const Tensor& x, const Arguments& a) {
  return apply(op, {x}, {{"axes", axes_of(a, "axis", x)}, {"keepdims", a.truth("keepdims")}});
}

OperationDef reduction(std::string_view class_name, std::string_view op, Tensor (*prepare)(const Tensor&),
                       std::vector<std::string_view> options = kAxisOptions, std::string_view module = "numpy") {
  auto compute = [op, prepare](const Arguments& a) -> Tensors {
    Tensor folded = fold(op, prepare(a.tensor("x")), a);
    return {cast(folded, a.dtype("dtype").value_or(folded.dtype()))};
  };
  return {class_name, module, std::move(options), {"x"}, compute, folds_as(op)};
}

Tensor as_it_is(const Tensor& x) { return x; }
Tensor as_truth(const Tensor& x) { return cast(x, kBool); }
// What sums of small integers are counted in.
Tensor as_summand(const Tensor& x) {
  DType dtype = x.dtype();
  if (dtype.is_bool() || dtype == kInt8 || dtype == kInt16) return cast(x, kInt32);
  return dtype == kUInt8 || dtype == kUInt16 ? cast(x, kUInt32) : x;
}

// Max, Min: `initial` is one more element.
OperationDef extreme(std::string_view class_name, std::string_view op, std::string_view pairwise) {
  auto compute = [op, pairwise](const Arguments& a) -> Tensors {
    const Tensor x = a.tensor("x");
    if (!a.find("initial")) return {fold(op, x, a)};
    // Of no elements it is the initial value.
    const Tensor folded =
        apply(op, {x}, {{"axes", axes_of(a, "axis", x)}, {"keepdims", a.truth("keepdims")}, {"identity", true}});
    return {apply_promoted(pairwise, folded, Scalar(a.real("initial")))};
  };
  return {class_name, "numpy", {"axis", "keepdims", "initial"}, {"x"}, compute, folds_as(op)};
}

// A single axis; None searches the flattened array.
OperationDef position(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    Tensor x = a.tensor("x");
    bool keepdims = a.truth("keepdims");
    if (a.find("axis")) return {apply(op, {x}, {{"axis", a.integer("axis")}, {"keepdims", keepdims}})};
    Tensor at = apply(op, {x.flatten()}, {{"axis", std::int64_t{0}}});
    return {keepdims ? reshape_dims(at, ir::Dims(static_cast<std::size_t>(x.dim()), ir::Dim(1))) : at};
  };
  return {class_name, "numpy", kAxisOptions, {"x"}, compute, {op, {{"axis", "axis"}, {"keepdims", "keepdims"}}}};
}

OperationDef running(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    Tensor x = as_summand(a.tensor("x"));
    if (std::optional<DType> dtype = a.dtype("dtype")) x = cast(x, *dtype);
    if (!a.find("axis")) return {apply(op, {x.flatten()}, {{"axis", std::int64_t{0}}})};
    return {apply(op, {x}, {{"axis", std::int64_t{checked_axis(a.integer("axis"), x.dim(), op)}}})};
  };
  return {class_name, "numpy", {"axis", "dtype"}, {"x"}, compute, {op, {{"axis", "axis"}}}};
}

Tensors count_nonzero(const Arguments& a) {
  Tensor x = a.tensor("x");
  return {fold("reduce_sum", cast(x != 0, kInt32), a)};
}

Tensors average(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  if (!a.find("weights")) return {fold("reduce_mean", x, a)};
  Tensor weights = to_floating(a.tensor("weights"));
  if (weights.dim() == 1 && a.find("axis") && x.dim() > 1) {
    int axis = checked_axis(a.integer("axis"), x.dim(), "Average");
    for (int i = axis + 1; i < x.dim(); ++i) weights = weights.unsqueeze(-1);
  }
  return {fold("reduce_sum", x * weights, a) / fold("reduce_sum", weights * ones_like(x), a)};
}

Tensors moments(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  ir::Attrs attrs = {{"axes", axes_of(a, "axes", x)}, {"keepdims", a.truth("keepdims")}};
  return {apply("reduce_mean", {x}, attrs), apply("reduce_variance", {x}, attrs)};
}

Tensors range_of(const Arguments& a) {
  Tensor x = a.tensor("x");
  return {fold("reduce_max", x, a) - fold("reduce_min", x, a)};
}

// NaN counts as `neutral`, which changes nothing.
Tensor without_nan(const Tensor& x, double neutral) { return mica::where(apply("isnan", {x}), Scalar(neutral), x); }

OperationDef ignoring_nan(std::string_view class_name, std::string_view op, double neutral) {
  return {class_name, "numpy", kAxisOptions, {"x"}, [op, neutral](const Arguments& a) -> Tensors {
            return {fold(op, without_nan(to_floating(a.tensor("x")), neutral), a)};
          }};
}

Tensor nan_mean(const Tensor& x, const Arguments& a) {
  Tensor count = fold("reduce_sum", cast(~apply("isnan", {x}), x.dtype()), a);
  return fold("reduce_sum", without_nan(x, 0), a) / count;
}

Tensors nan_variance(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  Arguments kept = a;
  kept.set("keepdims", true);
  return {nan_mean(square(x - nan_mean(x, kept)), a)};
}

Tensor along(const Tensor& x, int axis, ir::Dim start, ir::Dim stop) {
  return apply("slice", {x}, {{"axis", std::int64_t{axis}}, {"start", ir::Dims{start}}, {"stop", ir::Dims{stop}}});
}

// Neighbours' differences, n times over.
Tensors differences(const Arguments& a) {
  Tensor x = a.tensor("a");
  int axis = checked_axis(a.integer("axis", -1), x.dim(), "Diff");
  for (std::int64_t n = a.integer("n", 1); n > 0; --n) {
    const ir::Dim extent = dims_of(x)[static_cast<std::size_t>(axis)], one(1);
    x = along(x, axis, one, extent) - along(x, axis, ir::Dim(0), extent - one);
  }
  return {x};
}

// The sum of each segment's rows; ids say which segment a row belongs to.
Tensors segment_sum(const Arguments& a) {
  Tensor data = a.tensor("data"), ids = a.tensor("segment_ids");
  ir::Dims dims = dims_of(data);
  dims[0] = ir::Dim(a.integer("num_segments"));
  Tensor none = apply("constant", {}, {{"value", 0.0}, {"dtype", data.dtype()}, {"shape", dims}});
  return {apply("scatter_add", {none, ids, data}, {{"axis", std::int64_t{0}}})};
}

}  // namespace

OperationDefs reduction_operations() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {
      reduction("Sum", "reduce_sum", as_summand),
      reduction("Prod", "reduce_prod", as_summand, {"axis", "keepdims", "dtype"}),
      reduction("Mean", "reduce_mean", to_floating),
      reduction("Var", "reduce_variance", to_floating),
      reduction("Std", "reduce_std", to_floating),
      reduction("Any", "reduce_any", as_truth),
      reduction("All", "reduce_all", as_truth),
      reduction("Amax", "reduce_max", as_it_is),
      reduction("Amin", "reduce_min", as_it_is),
      reduction("Logsumexp", "logsumexp", to_floating, kAxisOptions, "math"),
      extreme("Max", "reduce_max", "maximum"),
      extreme("Min", "reduce_min", "minimum"),
      position("Argmax", "argmax"),
      position("Argmin", "argmin"),
      running("Cumsum", "cumsum"),
      running("Cumprod", "cumprod"),
      ignoring_nan("Nansum", "reduce_sum", 0),
      ignoring_nan("Nanprod", "reduce_prod", 1),
      ignoring_nan("Nanmax", "reduce_max", -kInfinity),
      ignoring_nan("Nanmin", "reduce_min", kInfinity),
      {"Nanmean",
       "numpy",
       kAxisOptions,
       {"x"},
       [](const Arguments& a) -> Tensors { return {nan_mean(to_floating(a.tensor("x")), a)}; }},
      {"Nanvar", "numpy", kAxisOptions, {"x"}, nan_variance},
      {"Nanstd",
       "numpy",
       kAxisOptions,
       {"x"},
       [](const Arguments& a) -> Tensors { return {sqrt(nan_variance(a)[0])}; }},
      {"Diff", "numpy", {"n", "axis"}, {"a"}, differences},
      {"SegmentSum", "math", {"num_segments", "sorted"}, {"data", "segment_ids"}, segment_sum},
      {"CountNonzero", "numpy", {"axis"}, {"x"}, count_nonzero},
      {"Average", "numpy", {"axis"}, {"x", "weights"}, average},
      {"Ptp", "numpy", kAxisOptions, {"x"}, range_of},
      {"Moments", "nn", {"axes", "keepdims", "synchronized"}, {"x"}, moments},
  };
}

}  // namespace mica::internal
