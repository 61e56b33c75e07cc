#include "frontend/training/metric.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/fields.h"
#include "frontend/training/losses/reduction.h"

namespace mica {
namespace internal {
namespace {

Tensor as_float(const Tensor& hits) { return cast(hits, kFloat32); }

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  auto [t, p] = of_equal_rank(cast(y_true, y_pred.dtype()), y_pred);
  return as_float(t == p);
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  auto [t, p] = of_equal_rank(cast(y_true, y_pred.dtype()), y_pred);
  return as_float(t == cast(p > threshold, t.dtype()));
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  return as_float(y_true.argmax(-1) == y_pred.argmax(-1));
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  Tensor labels = y_true.dim() == y_pred.dim() && y_true.size(-1) == 1 ? y_true.squeeze(-1) : y_true;
  return as_float(labels.to(kInt64) == y_pred.argmax(-1).to(kInt64));
}

// Keras' rule for the string "accuracy".
Tensor accuracy_by_shape(const Tensor& y_true, const Tensor& y_pred) {
  if (y_pred.size(-1) == 1) return binary_accuracy(y_true, y_pred, 0.5);
  bool sparse = y_true.dim() < y_pred.dim() || y_true.size(-1) == 1;
  return sparse ? sparse_categorical_accuracy(y_true, y_pred) : categorical_accuracy(y_true, y_pred);
}

std::shared_ptr<MetricImpl> metric(std::string_view default_name, const std::string& name, LossFn values) {
  return std::make_shared<MetricImpl>(
      MetricImpl{.name = name.empty() ? std::string(default_name) : name, .values = std::move(values)});
}

// Of a class, with the options that it adds to the name.
std::shared_ptr<MetricImpl> metric_class(const char* class_name, std::string_view default_name, const std::string& name,
                                         LossFn values, const Config& options = {}) {
  std::shared_ptr<MetricImpl> made = metric(default_name, name, std::move(values));
  made->described = {class_name, {{"name", made->name}, {"dtype", "float32"}}};
  for (const auto& [key, value] : options.items()) made->described.config.set(key, value);
  return made;
}

// A loss as a metric: its values, not its reduction.
LossFn values_of_loss(std::shared_ptr<const LossImpl> loss) {
  return [loss](const Tensor& t, const Tensor& p) { return values_of(*loss_for(loss, t, p), t, p); };
}

}  // namespace

std::shared_ptr<MetricImpl> make_metric(const std::string& name) {
  if (name == "accuracy" || name == "acc") return metric(name, name, accuracy_by_shape);
  if (name == "binary_accuracy")
    return metric(name, name, [](const Tensor& t, const Tensor& p) { return binary_accuracy(t, p, 0.5); });
  if (name == "categorical_accuracy") return metric(name, name, categorical_accuracy);
  if (name == "sparse_categorical_accuracy") return metric(name, name, sparse_categorical_accuracy);
  if (std::shared_ptr<const LossImpl> loss = find_loss(name)) return metric(name, name, values_of_loss(loss));
  std::vector<std::string> names = {"accuracy", "binary_accuracy", "categorical_accuracy",
                                    "sparse_categorical_accuracy"};
  for (std::string& loss : loss_names()) names.push_back(std::move(loss));
  throw Error({.where = "metric",
               .expected = absl::StrCat("one of ", absl::StrJoin(names, ", ")),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

Metric make_metric(const Described& described) {
  const std::string& name = described.class_name;
  ConfigReader reader(described.config, name);
  metrics::ThresholdOptions o;
  std::optional<std::string> dtype;  // sums are kept in double
  reader.field("name", o.name);
  reader.field("dtype", dtype);
  if (name == "BinaryAccuracy") reader.field("threshold", o.threshold);
  reader.finish();
  if (name == "BinaryAccuracy") return metrics::BinaryAccuracy(o);
  if (name == "Accuracy") return metrics::Accuracy({o.name});
  if (name == "CategoricalAccuracy") return metrics::CategoricalAccuracy({o.name});
  if (name == "SparseCategoricalAccuracy") return metrics::SparseCategoricalAccuracy({o.name});
  if (name == "MeanSquaredError") return metrics::MeanSquaredError({o.name});
  if (name == "MeanAbsoluteError") return metrics::MeanAbsoluteError({o.name});
  return Metric(name);
}

MetricSums metric_sums(const MetricImpl& metric, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  Tensor values = metric.values(y_true, y_pred).values;
  Tensor ones = ones_like(values), mask = y_pred.mask();
  Tensor weights = reduce_values(ones, "none", weight, {});
  if (mask.defined()) weights = reduce_values(weights, "none", cast(mask, values.dtype()), {});
  return {(values * weights).sum(), weights.sum()};
}

}  // namespace internal

Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(const std::string& name) : impl_(internal::make_metric(name)) {}
Metric::Metric(const Loss& loss)
    : impl_(internal::metric(loss.name(), {},
                             internal::values_of_loss(std::make_shared<internal::LossImpl>(loss.impl())))) {}
Metric::Metric(std::string_view name, std::function<Tensor(const Tensor&, const Tensor&)> function)
    : impl_(internal::metric("metric", std::string(name), std::move(function))) {
  impl_->described = {"function", {}};
}

void Metric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  internal::MetricSums sums = internal::metric_sums(*impl_, y_true, y_pred, sample_weight);
  impl_->total += sums.total.item();
  impl_->count += sums.count.item();
}
Tensor Metric::result() const { return full({}, impl_->count == 0 ? 0.0 : impl_->total / impl_->count); }
void Metric::reset_state() const { impl_->total = impl_->count = 0; }

namespace metrics {
using internal::metric_class;
Accuracy::Accuracy(NameOptions o) : Metric(metric_class("Accuracy", "accuracy", o.name, internal::accuracy)) {}
BinaryAccuracy::BinaryAccuracy(ThresholdOptions o)
    : Metric(metric_class("BinaryAccuracy", "binary_accuracy", o.name,
                          [threshold = o.threshold](const Tensor& t, const Tensor& p) {
                            return internal::binary_accuracy(t, p, threshold);
                          },
                          {{"threshold", o.threshold}})) {}
CategoricalAccuracy::CategoricalAccuracy(NameOptions o)
    : Metric(metric_class("CategoricalAccuracy", "categorical_accuracy", o.name, internal::categorical_accuracy)) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(NameOptions o)
    : Metric(metric_class("SparseCategoricalAccuracy", "sparse_categorical_accuracy", o.name,
                          internal::sparse_categorical_accuracy)) {}
MeanSquaredError::MeanSquaredError(NameOptions o)
    : Metric(metric_class("MeanSquaredError", "mean_squared_error", o.name,
                          internal::values_of_loss(internal::find_loss("mean_squared_error")))) {}
MeanAbsoluteError::MeanAbsoluteError(NameOptions o)
    : Metric(metric_class("MeanAbsoluteError", "mean_absolute_error", o.name,
                          internal::values_of_loss(internal::find_loss("mean_absolute_error")))) {}
}  // namespace metrics
}  // namespace mica
