// The harmonic mean of precision and recall, recall counting beta times as much.
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"

namespace mica::internal {
namespace {

class FScore final : public MetricImpl {
 public:
  FScore(ClassOptions& options, bool has_beta)
      : average_(options.get("average", std::optional<std::string>()).value_or("")),
        beta_(has_beta ? options.get("beta", 1.0) : 1.0),
        threshold_(options.get("threshold", std::optional<double>())) {
    options.require(average_.empty() || average_ == "micro" || average_ == "macro" || average_ == "weighted",
                    "average micro, macro, weighted or null", absl::StrCat("\"", average_, "\""));
    options.require(beta_ > 0, "beta above 0", absl::StrCat(beta_));
    options.require(!threshold_ || (*threshold_ > 0 && *threshold_ <= 1), "threshold above 0 and up to 1",
                    absl::StrCat(threshold_.value_or(0)));
  }

  std::vector<std::string_view> sums() const override {
    return {"true_positives", "false_positives", "false_negatives", "intermediate_weights"};
  }

  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override {
    if (y_true.dim() != 2 || y_pred.dim() != 2) {
      throw Error({.where = name,
                   .expected = "targets and predictions [batch, classes]",
                   .received = absl::StrCat(describe(y_true), " and ", describe(y_pred)),
                   .hint = {}});
    }
    Tensor t = cast(y_true, kFloat32), hit = cast(is_predicted(cast(y_pred, kFloat32)), kFloat32);
    Tensor w = weight.defined() ? cast(weight, kFloat32).unsqueeze(1) : Tensor();
    auto sum = [&](const Tensor& x) {
      Tensor weighted = w.defined() ? x * w : x;
      return average_ == "micro" ? weighted.sum().unsqueeze(0) : weighted.sum(0);
    };
    return {sum(hit * t), sum(hit * (1 - t)), sum((1 - hit) * t), sum(t)};
  }

  Sum result(const MetricState& state) const override {
    if (state.empty()) return scalar_sum(0);
    std::vector<double> scores;
    for (std::size_t i = 0; i < state[0].values.size(); ++i) {
      double tp = state[0].values[i], precision = tp / (tp + state[1].values[i] + kMetricEpsilon);
      double recall = tp / (tp + state[2].values[i] + kMetricEpsilon), square = beta_ * beta_;
      scores.push_back(precision * recall / (square * precision + recall + kMetricEpsilon) * (1 + square));
    }
    if (average_.empty()) return {state[0].dims, scores};
    double n = static_cast<double>(scores.size());
    if (average_ != "weighted") return scalar_sum(std::accumulate(scores.begin(), scores.end(), 0.0) / n);
    const std::vector<double>& weights = state[3].values;
    double weighted = std::inner_product(scores.begin(), scores.end(), weights.begin(), 0.0);
    return scalar_sum(weighted / (std::accumulate(weights.begin(), weights.end(), 0.0) + kMetricEpsilon));
  }

 private:
  // Above the threshold; without one the largest of the row, unless it is 0.
  Tensor is_predicted(const Tensor& p) const {
    if (threshold_) return p > *threshold_;
    return (p >= p.amax(-1, {.keepdim = true})) & (p.abs() > 1e-9);
  }

  std::string average_;
  double beta_;
  std::optional<double> threshold_;
};

template <bool has_beta>
std::shared_ptr<MetricImpl> make_f_score(ClassOptions& options) {
  return std::make_shared<FScore>(options, has_beta);
}

}  // namespace

MetricDefs f_score_metrics() {
  return {{"FBetaScore", "fbeta_score", Direction::kUp, make_f_score<true>},
          {"F1Score", "f1_score", Direction::kUp, make_f_score<false>}};
}

}  // namespace mica::internal
