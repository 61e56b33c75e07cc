// Metrics of numbers that are no losses: root mean squares, correlations, R2.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"
#include "frontend/training/metrics/mean.h"

namespace mica::internal {
namespace {

std::pair<Tensor, Tensor> as_numbers(const Tensor& y_true, const Tensor& y_pred) {
  return of_equal_rank(cast(y_true, kFloat32), cast(y_pred, kFloat32));
}

class RootMeanSquaredError final : public MeanMetric {
 public:
  RootMeanSquaredError() : MeanMetric({}) {}
  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override {
    auto [t, p] = as_numbers(y_true, y_pred);
    return mean_contribution((p - t).square(), weight);
  }
  Sum result(const MetricState& state) const override {
    return scalar_sum(std::sqrt(MeanMetric::result(state).values[0]));
  }
};

Tensor centered(const Tensor& x, int axis) { return x - x.mean(axis, {.keepdim = true}); }

Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  auto [t, p] = as_numbers(y_true, y_pred);
  auto normalized = [axis](const Tensor& x) {
    Tensor from_mean = centered(x, axis);
    return from_mean / from_mean.std(axis, {.correction = 0, .keepdim = true});
  };
  return (normalized(t) * normalized(p)).mean(axis);
}

// Keras takes both deviations of the covariance from the mean of the prediction.
Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  auto [t, p] = as_numbers(y_true, y_pred);
  Tensor mean_t = t.mean(axis, {.keepdim = true}), mean_p = p.mean(axis, {.keepdim = true});
  auto variance = [axis](const Tensor& x) { return x.var(axis, {.correction = 0, .keepdim = true}); };
  Tensor scale = variance(t) + variance(p) + (mean_t - mean_p).square();
  return ((t - mean_p) * (p - mean_p) * 2 / (scale + kMetricEpsilon)).mean(axis);
}

template <Tensor (*values)(const Tensor&, const Tensor&, int)>
std::shared_ptr<MetricImpl> make_correlation(ClassOptions& options) {
  int axis = options.get("axis", -1);
  return std::make_shared<MeanMetric>([axis](const Tensor& t, const Tensor& p) { return values(t, p, axis); });
}

class R2Score final : public MetricImpl {
 public:
  explicit R2Score(ClassOptions& options)
      : aggregation_(options.get("class_aggregation", std::optional<std::string>("uniform_average")).value_or("")),
        num_regressors_(options.get("num_regressors", std::int64_t{0})) {
    options.require(
        aggregation_.empty() || aggregation_ == "uniform_average" || aggregation_ == "variance_weighted_average",
        "class_aggregation uniform_average, variance_weighted_average or null", absl::StrCat("\"", aggregation_, "\""));
    options.require(num_regressors_ >= 0, "num_regressors of at least 0", absl::StrCat(num_regressors_));
  }

  std::vector<std::string_view> sums() const override {
    return {"num_samples", "squared_sum", "sum", "residual", "count"};
  }

  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override {
    auto [t, p] = as_numbers(y_true, y_pred);
    if (t.dim() != 2) {
      throw Error({.where = name,
                   .expected = "targets and predictions [batch, size]",
                   .received = absl::StrCat(describe(t), " and ", describe(p)),
                   .hint = {}});
    }
    Tensor w = ones_like(t);
    if (weight.defined()) w = w * weights_beside(cast(weight, kFloat32), t);
    Tensor weighted = t * w;
    return {count_of(t, kFloat32), (t * weighted).sum(0), weighted.sum(0), ((t - p).square() * w).sum(0), w.sum(0)};
  }

  Sum result(const MetricState& state) const override {
    if (state.empty()) {
      throw Error({.where = name, .expected = "update_state() before result()", .received = "no data", .hint = {}});
    }
    std::vector<double> scores, totals;
    for (std::size_t i = 0; i < state[1].values.size(); ++i) {
      double sum = state[2].values[i], total = state[1].values[i] - sum * (sum / state[4].values[i]);
      double score = 1 - state[3].values[i] / total;
      scores.push_back(std::isinf(score) ? 0 : score);
      totals.push_back(total);
    }
    double samples = state[0].values[0];
    if (aggregation_.empty()) {
      for (double& score : scores) score = adjusted(score, samples);
      return {state[1].dims, scores};
    }
    bool by_variance = aggregation_ == "variance_weighted_average";
    double weighted = 0, weights = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      double weight = by_variance ? totals[i] : 1;
      weighted += weight * scores[i];
      weights += weight;
    }
    return scalar_sum(adjusted(weighted / weights, samples));
  }

 private:
  // For the number of independent variables; left alone where there are as many as samples.
  double adjusted(double score, double samples) const {
    double regressors = static_cast<double>(num_regressors_);
    if (regressors == 0 || regressors >= samples - 1) return score;
    return 1 - (1 - score) * (samples - 1) / (samples - regressors - 1);
  }

  std::string aggregation_;
  std::int64_t num_regressors_;
};

}  // namespace

MetricDefs regression_metrics() {
  return {
      {"RootMeanSquaredError", "root_mean_squared_error", Direction::kDown,
       [](ClassOptions&) -> std::shared_ptr<MetricImpl> { return std::make_shared<RootMeanSquaredError>(); }},
      {"PearsonCorrelation", "pearson_correlation", Direction::kUp, make_correlation<pearson_correlation>},
      {"ConcordanceCorrelation", "concordance_correlation", Direction::kUp, make_correlation<concordance_correlation>},
      {"R2Score", "r2_score", Direction::kUp,
       [](ClassOptions& options) -> std::shared_ptr<MetricImpl> { return std::make_shared<R2Score>(options); }},
  };
}

}  // namespace mica::internal
