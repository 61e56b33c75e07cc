#include "frontend/training/metrics/mean.h"

#include <cmath>

#include "frontend/graph/apply.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"

namespace mica::internal {
namespace {

// Folds the axes from `first` on.
Tensor mean_from(const Tensor& x, int first) {
  std::vector<std::int64_t> axes;
  for (int axis = first; axis < x.dim(); ++axis) axes.push_back(axis);
  return axes.empty() ? x : x.mean(Axes(axes));
}

Tensor number_of_samples(const Tensor& values) {
  ir::Dim samples = values.dim() > 0 ? dims_of(values)[0] : ir::Dim(1);
  return apply("dim", {}, {{"dim", ir::Dims{samples}}, {"dtype", kFloat32}});
}

// Keras' Mean: of values as they come, without targets.
class Mean final : public MeanMetric {
 public:
  Mean() : MeanMetric({}) {}
  Tensors contribution(const Tensor& values, const Tensor&, const Tensor& weight) const override {
    return mean_contribution(values, weight);
  }
};

class SumMetric final : public MetricImpl {
 public:
  std::vector<std::string_view> sums() const override { return {"total"}; }
  Tensors contribution(const Tensor& values, const Tensor&, const Tensor& weight) const override {
    return {reduce_values(to_floating(values), "sum", weight, {})};
  }
  Sum result(const MetricState& state) const override { return state.empty() ? scalar_sum(0) : state[0]; }
};

}  // namespace

Tensors mean_contribution(const LossValues& given, const Tensor& given_weight) {
  Tensor values = cast(given.values, kFloat32), weight = given_weight;
  if (!weight.defined()) {
    Tensor samples = mean_from(values, 1);
    return {samples.sum(), number_of_samples(values)};
  }
  std::tie(values, weight) = of_equal_rank(values, masked_weights(weight, given.mask, kFloat32, "sum"));
  values = mean_from(values, weight.dim());
  weight = weight * ones_like(values);
  return {mean_from(values * weight, 1).sum(), mean_from(weight, 1).sum()};
}

Tensors MeanMetric::contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const {
  return mean_contribution(values_(y_true, y_pred), masked_weights(weight, y_pred.mask(), kFloat32, "sum"));
}

Sum MeanMetric::result(const MetricState& state) const {
  return scalar_sum(state.empty() ? 0 : ratio(state[0].values[0], state[1].values[0]));
}

std::shared_ptr<MetricImpl> mean_metric(std::string_view name, LossFn values) {
  auto metric = std::make_shared<MeanMetric>(std::move(values));
  metric->name = name;
  return metric;
}

MetricDefs reduction_metrics() {
  return {
      {"Mean", "mean", Direction::kUnknown,
       [](ClassOptions&) -> std::shared_ptr<MetricImpl> { return std::make_shared<Mean>(); }},
      {"Sum", "sum", Direction::kUnknown,
       [](ClassOptions&) -> std::shared_ptr<MetricImpl> { return std::make_shared<SumMetric>(); }},
  };
}

}  // namespace mica::internal
