// Metrics that are means of values: one a sample, weighted.
#pragma once
#include "frontend/training/metrics/metric.h"

namespace mica::internal {

class MeanMetric : public MetricImpl {
 public:
  explicit MeanMetric(LossFn values) : values_(std::move(values)) {}
  std::vector<std::string_view> sums() const override { return {"total", "count"}; }
  // The mask of the prediction weighs 0 or 1.
  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override;
  Sum result(const MetricState& state) const override;

 private:
  LossFn values_;
};

// {total, count} of values [N, …]: each sample counts by the mean of its values.
Tensors mean_contribution(const LossValues& values, const Tensor& weight);

}  // namespace mica::internal
