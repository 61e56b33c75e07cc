// Metrics by Keras' names, arguments and defaults, one's own, and how compile() takes them.
#pragma once
#include "mica/training/losses.h"

namespace mica {

class CustomMetric;
namespace internal {
class MetricImpl;  // frontend/training/metrics/metric.h
}  // namespace internal

// "accuracy", metrics::AUC(), a loss, or a function of (y_true, y_pred) with a name; over what was seen since
// reset_state(). A handle: copies share what they have seen. compile() keeps its own count of that.
class Metric {
 public:
  Metric(const char* name);
  Metric(const std::string& name);
  // A class of Keras with any of its options: Metric("Precision", {{"top_k", 2}, {"class_id", 1}}).
  Metric(std::string_view class_name, const Config& options);
  Metric(const Loss& loss);
  // The mean of one value a sample.
  Metric(std::string_view name, std::function<Tensor(const Tensor& y_true, const Tensor& y_pred)> function);
  const std::string& name() const;
  // `sample_weight` is one number a sample, or undefined.
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;
  Tensor result() const;  // float32: a scalar, or one number a threshold or class
  void reset_state() const;
  Parameters variables() const;                          // one's own; of Keras' metrics a copy of the state
  internal::MetricImpl& impl() const { return *impl_; }  // the library's own code
  static Metric of(std::shared_ptr<internal::MetricImpl> impl) { return Metric(std::move(impl)); }
  static Metric of(std::shared_ptr<CustomMetric> object);

 protected:
  explicit Metric(std::shared_ptr<internal::MetricImpl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<internal::MetricImpl> impl_;
};

// Derive, then create with make<T>(…). The state is Variables; a training step updates them inside its Program.
class CustomMetric {
 public:
  virtual ~CustomMetric() = default;
  // Assigns Variables. `sample_weight` is undefined when there is none.
  virtual void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) = 0;
  virtual Tensor result() const = 0;
  virtual void reset_state();       // zeroes the Variables: at the start of every epoch
  const std::string& name() const;  // what the logs call it: by default snake_case of the class
  void set_name(std::string_view name) { name_ = name; }
  // What from_config() of a class that is registered for files makes it from; its name is kept beside.
  virtual Config config() const { return {}; }
  const Parameters& variables() const { return variables_; }

 protected:
  // A float32 Variable of zeros.
  Variable add_variable(const Shape& shape, std::string_view name);

 private:
  mutable std::string name_;
  Parameters variables_;
};

namespace metrics {  // not inline: half of these names are losses too
struct NameOptions {
  std::string name = {};
};
struct ThresholdOptions {
  double threshold = 0.5;
  std::string name = {};
};
struct AUCOptions {
  std::int64_t num_thresholds = 200;
  std::string curve = "ROC";                       // or "PR", "PRGAIN"
  std::string summation_method = "interpolation";  // or "majoring", "minoring"
  std::string name = {};
  std::vector<double> thresholds = {};
  bool multi_label = false, from_logits = false;
  std::vector<double> label_weights = {};
};
struct TopKOptions {
  std::int64_t k = 5;
  std::string name = {};
};
struct ConstraintOptions {  // of the best of one ratio where another is large enough
  std::int64_t num_thresholds = 200;
  std::optional<std::int64_t> class_id = {};
  std::string name = {};
};
struct F1Options {
  std::string average = {};  // "micro", "macro", "weighted"; empty: one number a class
  std::optional<double> threshold = {};
  std::string name = {};
};
struct MeanIoUOptions {
  std::optional<std::int64_t> ignore_class = {};
  std::string name = {};
};
struct BinaryIoUOptions {
  std::vector<std::int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;
  std::string name = {};
};
struct AxisOptions {
  int axis = -1;
  std::string name = {};
};

// How often predictions are right.
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
class TopKCategoricalAccuracy : public Metric {
 public:
  explicit TopKCategoricalAccuracy(TopKOptions options = {});
};
class SparseTopKCategoricalAccuracy : public Metric {
 public:
  explicit SparseTopKCategoricalAccuracy(TopKOptions options = {});
};
// Of thresholds: predictions are probabilities.
class TruePositives : public Metric {
 public:
  explicit TruePositives(ThresholdOptions options = {});
};
class TrueNegatives : public Metric {
 public:
  explicit TrueNegatives(ThresholdOptions options = {});
};
class FalsePositives : public Metric {
 public:
  explicit FalsePositives(ThresholdOptions options = {});
};
class FalseNegatives : public Metric {
 public:
  explicit FalseNegatives(ThresholdOptions options = {});
};
class Precision : public Metric {
 public:
  explicit Precision(ThresholdOptions options = {});
};
class Recall : public Metric {
 public:
  explicit Recall(ThresholdOptions options = {});
};
class AUC : public Metric {
 public:
  explicit AUC(AUCOptions options = {});
};
class SensitivityAtSpecificity : public Metric {
 public:
  explicit SensitivityAtSpecificity(double specificity, ConstraintOptions options = {});
};
class SpecificityAtSensitivity : public Metric {
 public:
  explicit SpecificityAtSensitivity(double sensitivity, ConstraintOptions options = {});
};
class PrecisionAtRecall : public Metric {
 public:
  explicit PrecisionAtRecall(double recall, ConstraintOptions options = {});
};
class RecallAtPrecision : public Metric {
 public:
  explicit RecallAtPrecision(double precision, ConstraintOptions options = {});
};
class F1Score : public Metric {
 public:
  explicit F1Score(F1Options options = {});
};
class FBetaScore : public Metric {
 public:
  explicit FBetaScore(double beta = 1, F1Options options = {});
};
// Intersection over union of classes; OneHot: targets and predictions have an axis of classes.
class IoU : public Metric {
 public:
  explicit IoU(std::int64_t num_classes, std::vector<std::int64_t> target_class_ids, MeanIoUOptions options = {});
};
class BinaryIoU : public Metric {
 public:
  explicit BinaryIoU(BinaryIoUOptions options = {});
};
class MeanIoU : public Metric {
 public:
  explicit MeanIoU(std::int64_t num_classes, MeanIoUOptions options = {});
};
class OneHotIoU : public Metric {
 public:
  explicit OneHotIoU(std::int64_t num_classes, std::vector<std::int64_t> target_class_ids, MeanIoUOptions options = {});
};
class OneHotMeanIoU : public Metric {
 public:
  explicit OneHotMeanIoU(std::int64_t num_classes, MeanIoUOptions options = {});
};
// Of numbers.
class MeanSquaredError : public Metric {
 public:
  explicit MeanSquaredError(NameOptions options = {});
};
class RootMeanSquaredError : public Metric {
 public:
  explicit RootMeanSquaredError(NameOptions options = {});
};
class MeanAbsoluteError : public Metric {
 public:
  explicit MeanAbsoluteError(NameOptions options = {});
};
class MeanAbsolutePercentageError : public Metric {
 public:
  explicit MeanAbsolutePercentageError(NameOptions options = {});
};
class MeanSquaredLogarithmicError : public Metric {
 public:
  explicit MeanSquaredLogarithmicError(NameOptions options = {});
};
class LogCoshError : public Metric {
 public:
  explicit LogCoshError(NameOptions options = {});
};
class R2Score : public Metric {
 public:
  explicit R2Score(NameOptions options = {});
};
class CosineSimilarity : public Metric {
 public:
  explicit CosineSimilarity(int axis = -1, NameOptions options = {});
};
class PearsonCorrelation : public Metric {
 public:
  explicit PearsonCorrelation(AxisOptions options = {});
};
class ConcordanceCorrelation : public Metric {
 public:
  explicit ConcordanceCorrelation(AxisOptions options = {});
};
// Losses as metrics.
class BinaryCrossentropy : public Metric {
 public:
  explicit BinaryCrossentropy(CrossentropyOptions options = {});
};
class CategoricalCrossentropy : public Metric {
 public:
  explicit CategoricalCrossentropy(CrossentropyOptions options = {});
};
class SparseCategoricalCrossentropy : public Metric {
 public:
  explicit SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});
};
class KLDivergence : public Metric {
 public:
  explicit KLDivergence(NameOptions options = {});
};
class Poisson : public Metric {
 public:
  explicit Poisson(NameOptions options = {});
};
class Hinge : public Metric {
 public:
  explicit Hinge(NameOptions options = {});
};
class SquaredHinge : public Metric {
 public:
  explicit SquaredHinge(NameOptions options = {});
};
class CategoricalHinge : public Metric {
 public:
  explicit CategoricalHinge(NameOptions options = {});
};
// Of values as they come.
class Mean : public Metric {
 public:
  explicit Mean(NameOptions options = {});
  void update_state(const Tensor& values, const Tensor& sample_weight = {}) const;
};
class Sum : public Metric {
 public:
  explicit Sum(NameOptions options = {});
  void update_state(const Tensor& values, const Tensor& sample_weight = {}) const;
};
// The mean of a function of (y_true, y_pred).
class MeanMetricWrapper : public Metric {
 public:
  explicit MeanMetricWrapper(std::function<Tensor(const Tensor&, const Tensor&)> fn, NameOptions options = {});
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
