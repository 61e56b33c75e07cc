#include "frontend/mica/functional/embedding.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

void check_ids(const Tensor& ids) {
  if (!ids.dtype().is_integral()) fail_call("ids of an integer type, int64 or int32", internal::describe(ids));
}

Tensor rows_of(const Tensor& weight, const Tensor& ids) {
  return apply("gather", {weight, ids}, {{"axis", std::int64_t{0}}, {"called", std::string("ids")}});
}

Tensor without_gradient(const Tensor& x) { return apply("stop_gradient", {x}); }

// Rows that are longer than max_norm shortened to it. PyTorch shortens them in the table itself.
Tensor shortened(const Tensor& weight, double max_norm, double norm_type) {
  Tensor lengths = without_gradient(linalg::vector_norm(weight, {.ord = norm_type, .dim = 1, .keepdim = true}));
  return where(lengths > max_norm, weight * (max_norm / (lengths + 1e-7)), weight);
}

// Folds the rows of each bag, the axis -2 of rows [bags, n, width]; `counts` is where a row counts, [bags, n].
Tensor folded(const Tensor& rows, const Tensor& counts, const std::string& mode) {
  Tensor counted = counts.unsqueeze(-1);
  if (mode == "max") {
    Tensor largest = where(counted, rows, -std::numeric_limits<double>::infinity()).max(-2).values;
    return where(counts.any(-1, {.keepdim = true}), largest, 0);
  }
  Tensor sum = where(counted, rows, 0).sum(-2);
  if (mode == "sum") return sum;
  return sum / counts.to(rows.dtype()).sum(-1, {.keepdim = true}).clamp(1);
}

// The bag of each of n ids, from where the bags start: how many start at or before it, less one.
Tensor bag_of_each(const Tensor& offsets, const Tensor& ids) {
  Tensor here = apply("iota", {}, {{"shape", dims_of(ids)}, {"axis", std::int64_t{0}}, {"dtype", offsets.dtype()}});
  return searchsorted(offsets, here, /*right=*/true) - 1;
}

}  // namespace

Tensor embedding(const Tensor& ids, const Tensor& weight, EmbeddingOptions options) {
  FunctionScope scope("F::embedding");
  check_ids(ids);
  expect_rank(weight, "a weight", 2);
  Tensor rows = rows_of(options.max_norm ? shortened(weight, *options.max_norm, options.norm_type) : weight, ids);
  if (options.scale_grad_by_freq) {
    Tensor flat = ids.flatten();
    Tensor counts = index_add(zeros({weight.size(0)}), 0, flat, ones_like(flat).to(kFloat32));
    Tensor often = index_select(counts, 0, flat).to(rows.dtype());
    Tensor share = internal::reshape_dims(often, dims_of(ids)).unsqueeze(-1);
    Tensor part = rows / share;
    rows = part + without_gradient(rows - part);
  }
  if (!options.padding_idx) return rows;
  std::int64_t padding = *options.padding_idx < 0 ? *options.padding_idx + weight.size(0) : *options.padding_idx;
  return where((ids == padding).unsqueeze(-1), without_gradient(rows), rows);
}

Tensor embedding_bag(const Tensor& ids, const Tensor& weight, const Tensor& offsets, EmbeddingBagOptions options) {
  FunctionScope scope("F::embedding_bag");
  check_ids(ids);
  expect_choice("mode", options.mode, {"sum", "mean", "max"});
  bool weighted = options.per_sample_weights.defined();
  if (weighted && options.mode != "sum") fail_call("mode sum with per_sample_weights", options.mode);
  if (offsets.defined() != (ids.dim() == 1)) {
    fail_call("ids [bags, n], or ids [n] with offsets [bags]", internal::describe(ids));
  }
  Tensor rows = rows_of(weight, ids);
  if (weighted) rows = rows * options.per_sample_weights.unsqueeze(-1);
  Tensor counts = options.padding_idx ? ids != *options.padding_idx : ids == ids;
  if (!offsets.defined()) return folded(rows, counts, options.mode);
  // [bags, n]: the ids that belong to each bag.
  Tensor bags = apply(
      "iota", {}, {{"shape", ir::Dims{dims_of(offsets)[0], ir::Dim(1)}}, {"axis", std::int64_t{0}}, {"dtype", kInt64}});
  Tensor members = logical_and(bag_of_each(offsets, ids).unsqueeze(0) == bags, counts.unsqueeze(0));
  return folded(rows.unsqueeze(0), members, options.mode);
}

Tensor one_hot(const Tensor& ids, std::int64_t num_classes) {
  FunctionScope scope("F::one_hot");
  if (!ids.dtype().is_integral()) fail_call("ids of an integer type", internal::describe(ids));
  if (num_classes < 0) num_classes = ids.max().item<std::int64_t>() + 1;
  return apply("one_hot", {ids}, {{"num_classes", num_classes}, {"dtype", kInt64}});
}

}  // namespace mica::F
