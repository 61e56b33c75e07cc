#include "frontend/training/metrics/confusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"

namespace mica::internal {
namespace {

constexpr double kLowest = -1e10;  // below every prediction: what is not among the top k

// Predictions that are not among the k largest of their row become very small.
Tensor keep_top_k(const Tensor& y_pred, std::int64_t k) {
  Tensor best = apply_all("top_k", {y_pred}, {{"k", k}})[1];
  Tensor chosen = apply("one_hot", {best}, {{"num_classes", y_pred.size(-1)}}).sum(-2);
  return where(chosen > 0, y_pred, kLowest);
}

Tensor column_of(const Tensor& x, std::int64_t column, const std::string& metric) {
  if (x.dim() > 1) return x.narrow(-1, column, 1);
  throw Error({.where = metric,
               .expected = "predictions [batch, classes] for a class_id",
               .received = describe(x),
               .hint = {}});
}

// How many thresholds each prediction exceeds, i32.
Tensor bins_of(const Tensor& y_pred, const Thresholds& thresholds) {
  Tensor p = where(apply("isnan", {y_pred}), 0, y_pred);
  if (thresholds.even) {
    double steps = static_cast<double>(thresholds.values.size()) - 1;
    Tensor bins = (p.clamp(0, 1) * steps).ceil();
    return (thresholds.with_epsilon ? bins.clamp(1) : bins).to(kInt32);
  }
  if (thresholds.values.size() == 1) return (p > thresholds.values[0]).to(kInt32);
  std::vector<double> sorted = thresholds.values;
  std::sort(sorted.begin(), sorted.end());
  Tensor sequence = tensor(sorted, {static_cast<std::int64_t>(sorted.size())}, {.dtype = kFloat32});
  return apply("searchsorted", {sequence, p});
}

// The weights that fall into each bin.
Tensor histogram(const Tensor& bins, const Tensor& weights, std::int64_t num_bins) {
  return apply("scatter_add", {zeros({num_bins}), bins.flatten(), weights.flatten()}, {{"axis", std::int64_t{0}}});
}

}  // namespace

bool Thresholds::are_even(const std::vector<double>& values) {
  if (values.size() < 3) return false;
  double steps = static_cast<double>(values.size()) - 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double even = static_cast<double>(i) / steps;
    if (std::abs(values[i] - even) > kMetricEpsilon + 1e-5 * std::abs(even)) return false;
  }
  return true;
}

Thresholds Thresholds::grid(std::int64_t n) {
  if (n == 1) return {.values = {0.5}};
  Thresholds grid{.values = {}, .even = true};
  for (std::int64_t i = 0; i < n; ++i) grid.values.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
  return grid;
}

Tensors ConfusionMetric::contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const {
  Tensor p = cast(y_pred, kFloat32), t = cast(y_true, kFloat32);
  if (options_.from_logits) p = p.sigmoid();
  std::tie(p, t) = of_equal_rank(p, t);
  Tensor w = ones_like(p);
  if (weight.defined()) {
    Tensor beside = of_equal_rank(t, cast(weight, kFloat32).unsqueeze(-1), /*expand_vectors=*/false).second;
    w = w * weights_beside(beside, p);
  }
  if (options_.top_k) p = keep_top_k(p, *options_.top_k);
  if (options_.class_id) {
    p = column_of(p, *options_.class_id, name);
    t = column_of(t, *options_.class_id, name);
    w = column_of(w, *options_.class_id, name);
  }
  std::int64_t labels = options_.multi_label ? p.size(-1) : 1;
  std::int64_t num_bins = static_cast<std::int64_t>(num_thresholds()) + 1;
  Tensor bins = bins_of(p, options_.thresholds);
  if (options_.multi_label) {
    bins = bins + arange(0, labels, 1, {.dtype = kInt32}) * num_bins;
  } else if (!options_.label_weights.empty()) {
    w = w *
        tensor(options_.label_weights, {static_cast<std::int64_t>(options_.label_weights.size())}, {.dtype = kFloat32});
  }
  Tensor is_positive = t != 0;
  return {histogram(bins, where(is_positive, w, 0), labels * num_bins),
          histogram(bins, where(is_positive, 0, w), labels * num_bins)};
}

std::vector<Confusion> ConfusionMetric::confusions(const MetricState& state) const {
  std::size_t n = num_thresholds();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::vector<double>& values = options_.thresholds.values;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::size_t labels = state.empty() ? 1 : state[0].values.size() / (n + 1);
  std::vector<Confusion> all;
  for (std::size_t label = 0; label < labels; ++label) {
    auto sum_of = [&](std::size_t which, std::size_t first_bin) {  // of the bins from first_bin on
      if (state.empty()) return 0.0;
      auto begin = state[which].values.begin() + static_cast<std::ptrdiff_t>(label * (n + 1));
      return std::accumulate(begin + static_cast<std::ptrdiff_t>(first_bin), begin + static_cast<std::ptrdiff_t>(n + 1),
                             0.0);
    };
    std::vector<double> none(n);
    Confusion confusion{none, none, none, none};
    for (std::size_t k = 0; k < n; ++k) {
      std::size_t at = order[k];
      confusion.tp[at] = sum_of(0, k + 1);
      confusion.fp[at] = sum_of(1, k + 1);
      confusion.fn[at] = sum_of(0, 0) - confusion.tp[at];
      confusion.tn[at] = sum_of(1, 0) - confusion.fp[at];
    }
    all.push_back(std::move(confusion));
  }
  return all;
}

Sum ConfusionMetric::result(const MetricState& state) const { return result_of(confusions(state)); }

namespace {

// One number a threshold, a scalar where there is one.
Sum by_threshold(std::vector<double> values) {
  if (values.size() == 1) return scalar_sum(values[0]);
  return {{static_cast<std::int64_t>(values.size())}, std::move(values)};
}

std::vector<double> ratios(const std::vector<double>& part, const std::vector<double>& rest) {
  std::vector<double> values;
  for (std::size_t i = 0; i < part.size(); ++i) values.push_back(ratio(part[i], part[i] + rest[i]));
  return values;
}
std::vector<double> precisions(const Confusion& c) { return ratios(c.tp, c.fp); }
std::vector<double> recalls(const Confusion& c) { return ratios(c.tp, c.fn); }
std::vector<double> specificities(const Confusion& c) { return ratios(c.tn, c.fp); }

using ByThreshold = std::vector<double> (*)(const Confusion&);

class ThresholdMetric final : public ConfusionMetric {
 public:
  ThresholdMetric(ConfusionOptions options, ByThreshold values)
      : ConfusionMetric(std::move(options)), values_(values) {}

 private:
  Sum result_of(const std::vector<Confusion>& labels) const override { return by_threshold(values_(labels[0])); }
  ByThreshold values_;
};

// The best of one ratio among the thresholds where another is large enough.
class ConstrainedMetric final : public ConfusionMetric {
 public:
  ConstrainedMetric(ConfusionOptions options, ByThreshold best, ByThreshold constrained, double least)
      : ConfusionMetric(std::move(options)), best_(best), constrained_(constrained), least_(least) {}

 private:
  Sum result_of(const std::vector<Confusion>& labels) const override {
    std::vector<double> values = best_(labels[0]), limits = constrained_(labels[0]);
    double best = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (limits[i] >= least_) best = std::max(best, values[i]);
    }
    return scalar_sum(best);
  }
  ByThreshold best_, constrained_;
  double least_;
};

// null, a number or a list of numbers from 0 to 1.
Thresholds thresholds_option(ClassOptions& options, double fallback) {
  Tensor given = options.get("thresholds", Tensor());
  if (!given.defined()) return {.values = {fallback}};
  std::vector<double> values = given.to_vector<double>();
  bool in_range = std::all_of(values.begin(), values.end(), [](double t) { return t >= 0 && t <= 1; });
  options.require(in_range && !values.empty(), "thresholds from 0 to 1", FieldValue<Tensor>::write(given).to_json());
  return {.values = values, .even = Thresholds::are_even(values)};
}

std::optional<std::int64_t> whole_option(ClassOptions& options, std::string_view name) {
  return options.get(name, std::optional<std::int64_t>());
}

template <auto values>
std::shared_ptr<MetricImpl> make_count(ClassOptions& options) {
  ByThreshold count = [](const Confusion& c) { return c.*values; };
  return std::make_shared<ThresholdMetric>(ConfusionOptions{.thresholds = thresholds_option(options, 0.5)}, count);
}

template <auto values>
std::shared_ptr<MetricImpl> make_ratio(ClassOptions& options) {
  ConfusionOptions o{.top_k = whole_option(options, "top_k"), .class_id = whole_option(options, "class_id")};
  o.thresholds = thresholds_option(options, o.top_k ? kLowest : 0.5);
  return std::make_shared<ThresholdMetric>(std::move(o), values);
}

template <auto best, auto constrained, auto& limit>
std::shared_ptr<MetricImpl> make_constrained(ClassOptions& options) {
  double least = options.required<double>(limit);
  options.require(least >= 0 && least <= 1, absl::StrCat(limit, " from 0 to 1"), absl::StrCat(least));
  std::int64_t n = options.get("num_thresholds", std::int64_t{200});
  options.require(n > 0, "num_thresholds of at least 1", absl::StrCat(n));
  ConfusionOptions o{.thresholds = Thresholds::grid(n), .class_id = whole_option(options, "class_id")};
  return std::make_shared<ConstrainedMetric>(std::move(o), best, constrained, least);
}

constexpr char kSpecificity[] = "specificity", kSensitivity[] = "sensitivity", kRecall[] = "recall",
               kPrecision[] = "precision";

}  // namespace

MetricDefs confusion_metrics() {
  constexpr Direction kUp = Direction::kUp, kUnknown = Direction::kUnknown;
  return {
      {"TruePositives", nullptr, kUnknown, make_count<&Confusion::tp>},
      {"TrueNegatives", nullptr, kUnknown, make_count<&Confusion::tn>},
      {"FalsePositives", nullptr, kUnknown, make_count<&Confusion::fp>},
      {"FalseNegatives", nullptr, kUnknown, make_count<&Confusion::fn>},
      {"Precision", nullptr, kUp, make_ratio<precisions>},
      {"Recall", nullptr, kUp, make_ratio<recalls>},
      {"SensitivityAtSpecificity", nullptr, kUp, make_constrained<recalls, specificities, kSpecificity>},
      {"SpecificityAtSensitivity", nullptr, kUp, make_constrained<specificities, recalls, kSensitivity>},
      {"PrecisionAtRecall", nullptr, kUp, make_constrained<precisions, recalls, kRecall>},
      {"RecallAtPrecision", nullptr, kUp, make_constrained<recalls, precisions, kPrecision>},
  };
}

}  // namespace mica::internal
