// Metrics by Keras' names, arguments and defaults, and how compile() takes them.
#pragma once
#include "mica/training/losses.h"

namespace mica {

namespace internal {
struct MetricImpl;  // frontend/training/metric.h
}  // namespace internal

// "accuracy", metrics::BinaryAccuracy(), or a function of (y_true, y_pred) with a name; the mean over what was seen
// since reset_state().
class Metric {
 public:
  Metric(const char* name);
  Metric(const std::string& name);
  Metric(const Loss& loss);
  Metric(std::string_view name, std::function<Tensor(const Tensor& y_true, const Tensor& y_pred)> function);
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;
  Tensor result() const;
  void reset_state() const;
  const internal::MetricImpl& impl() const { return *impl_; }  // the library's own code

 protected:
  explicit Metric(std::shared_ptr<internal::MetricImpl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<internal::MetricImpl> impl_;
};
namespace metrics {  // not inline: half of these names are losses too
struct NameOptions {
  std::string name = {};
};
struct ThresholdOptions {
  double threshold = 0.5;
  std::string name = {};
};
class Accuracy : public Metric {
 public:
  explicit Accuracy(NameOptions options = {});
};
class BinaryAccuracy : public Metric {
 public:
  explicit BinaryAccuracy(ThresholdOptions options = {});
};
class CategoricalAccuracy : public Metric {
 public:
  explicit CategoricalAccuracy(NameOptions options = {});
};
class SparseCategoricalAccuracy : public Metric {
 public:
  explicit SparseCategoricalAccuracy(NameOptions options = {});
};
class MeanSquaredError : public Metric {
 public:
  explicit MeanSquaredError(NameOptions options = {});
};
class MeanAbsoluteError : public Metric {
 public:
  explicit MeanAbsoluteError(NameOptions options = {});
};
}  // namespace metrics

// {"accuracy"} for every output, or {{"department", {"accuracy"}}, …}.
class MetricSpec {
 public:
  MetricSpec();
  MetricSpec(std::initializer_list<Metric> list);
  MetricSpec(std::initializer_list<std::pair<std::string, std::vector<Metric>>> by_name);
  // The library's own code; no names: one list for every output.
  static MetricSpec of(std::vector<std::pair<std::string, std::vector<Metric>>> metrics, bool by_name);
  const std::vector<std::pair<std::string, std::vector<Metric>>>& items() const { return metrics_; }
  bool is_by_name() const { return by_name_; }

 private:
  std::vector<std::pair<std::string, std::vector<Metric>>> metrics_;
  bool by_name_ = false;
};

}  // namespace mica
