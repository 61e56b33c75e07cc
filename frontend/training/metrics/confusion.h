// Metrics of thresholds: how many targets and predictions are positive together, at each threshold. A batch contributes
// two histograms, the weights of positive and of negative targets by how many thresholds their prediction exceeds.
#pragma once
#include "frontend/training/class_options.h"
#include "frontend/training/metrics/metric.h"

namespace mica::internal {

struct Thresholds {
  std::vector<double> values;  // in the user's order
  bool even = false;           // i / (n - 1): found by arithmetic
  bool with_epsilon = false;   // the first one lies below 0: every prediction exceeds it

  // Whether the values are those of an even grid from 0 to 1, to Keras' precision.
  static bool are_even(const std::vector<double>& values);
  // 0, …, 1; a single one is 0.5.
  static Thresholds grid(std::int64_t n);
};

// What is true of targets and predictions at each threshold, weighted.
struct Confusion {
  std::vector<double> tp, fp, tn, fn;
};

struct ConfusionOptions {
  Thresholds thresholds = {};
  std::optional<std::int64_t> top_k = {}, class_id = {};
  bool multi_label = false;                // a confusion for each label, [batch, labels]
  std::vector<double> label_weights = {};  // of predictions of several labels
  bool from_logits = false;
};

class ConfusionMetric : public MetricImpl {
 public:
  explicit ConfusionMetric(ConfusionOptions options) : options_(std::move(options)) {}
  std::vector<std::string_view> sums() const override { return {"positives", "negatives"}; }
  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override;
  Sum result(const MetricState& state) const override;

 protected:
  // One for each label; one alone unless multi_label.
  virtual Sum result_of(const std::vector<Confusion>& labels) const = 0;
  std::size_t num_thresholds() const { return options_.thresholds.values.size(); }

 private:
  std::vector<Confusion> confusions(const MetricState& state) const;
  ConfusionOptions options_;
};

}  // namespace mica::internal
