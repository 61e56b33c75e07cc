#include "frontend/training/metrics/accuracy.h"

#include "frontend/graph/apply.h"
#include "frontend/graph/operation.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"
#include "frontend/training/metrics/mean.h"

namespace mica::internal {
namespace {

Tensor as_float(const Tensor& hits) { return cast(hits, kFloat32); }

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  auto [t, p] = of_equal_rank(cast(y_true, y_pred.dtype()), y_pred);
  return as_float(t == p);
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  auto [t, p] = of_equal_rank(y_true, y_pred);
  return as_float(t == cast(p > threshold, t.dtype()));
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  return as_float(y_true.argmax(-1) == y_pred.argmax(-1));
}

Tensor labels_of(const Tensor& y_true, const Tensor& y_pred) {
  return (y_true.dim() == y_pred.dim() && y_true.size(-1) == 1 ? y_true.squeeze(-1) : y_true).to(kInt64);
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  return as_float(labels_of(y_true, y_pred) == y_pred.argmax(-1).to(kInt64));
}

Tensor in_top_k(const Tensor& labels, const Tensor& y_pred, std::int64_t k) {
  return as_float(use_operation("InTopK", {{"targets", labels}, {"predictions", y_pred}, {"k", k}}));
}

std::int64_t option_k(ClassOptions& options) { return options.get("k", std::int64_t{5}); }

template <Tensor (*values)(const Tensor&, const Tensor&)>
std::shared_ptr<MetricImpl> plain(ClassOptions&) {
  return std::make_shared<MeanMetric>(values);
}

std::shared_ptr<MetricImpl> make_binary(ClassOptions& options) {
  double threshold = options.get("threshold", 0.5);
  return std::make_shared<MeanMetric>(
      [threshold](const Tensor& t, const Tensor& p) { return binary_accuracy(t, p, threshold); });
}

std::shared_ptr<MetricImpl> make_top_k(ClassOptions& options) {
  std::int64_t k = option_k(options);
  return std::make_shared<MeanMetric>(
      [k](const Tensor& t, const Tensor& p) { return in_top_k(t.argmax(-1).to(kInt64), p, k); });
}

std::shared_ptr<MetricImpl> make_sparse_top_k(ClassOptions& options) {
  std::int64_t k = option_k(options);
  bool sorted_ids = options.get("from_sorted_ids", false);
  return std::make_shared<MeanMetric>([=](const Tensor& t, const Tensor& p) {
    Tensor labels = labels_of(t, p);
    if (!sorted_ids) return in_top_k(labels, p, k);
    Tensor best = p.narrow(-1, 0, std::min(k, p.size(-1)));
    return as_float((cast(labels, p.dtype()).unsqueeze(-1) == best).any(-1));
  });
}

}  // namespace

Tensor accuracy_by_shape(const Tensor& y_true, const Tensor& y_pred) {
  std::string_view kind = kind_of_classes(y_true, y_pred);
  if (kind == "binary") return binary_accuracy(y_true, y_pred, 0.5);
  return kind == "categorical" ? categorical_accuracy(y_true, y_pred) : sparse_categorical_accuracy(y_true, y_pred);
}

MetricDefs accuracy_metrics() {
  constexpr Direction kUp = Direction::kUp;
  return {
      {"Accuracy", "accuracy", kUp, plain<accuracy>},
      {"BinaryAccuracy", "binary_accuracy", kUp, make_binary},
      {"CategoricalAccuracy", "categorical_accuracy", kUp, plain<categorical_accuracy>},
      {"SparseCategoricalAccuracy", "sparse_categorical_accuracy", kUp, plain<sparse_categorical_accuracy>},
      {"TopKCategoricalAccuracy", "top_k_categorical_accuracy", kUp, make_top_k},
      {"SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy", kUp, make_sparse_top_k},
  };
}

}  // namespace mica::internal
