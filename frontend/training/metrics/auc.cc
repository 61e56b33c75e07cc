// The area under a curve: of true and false positives (ROC), of precision and recall (PR) or of their gains.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/training/metrics/confusion.h"
#include "frontend/training/metrics/families.h"

namespace mica::internal {
namespace {

enum class Curve { kRoc, kPr, kPrGain };
enum class Summation { kInterpolation, kMajoring, kMinoring };

struct Point {
  double x, y;
};

Point gain_of(double tp, double fp, double tn, double fn) {
  if (tp == 0) return {0, 1};
  double scale = ratio(tp + fn, tn + fp);
  return {std::max(1 - scale * (fn / tp), 0.0), 1 - scale * (fp / tp)};
}

Point point_of(Curve curve, const Confusion& c, std::size_t i) {
  double recall = ratio(c.tp[i], c.tp[i] + c.fn[i]);
  if (curve == Curve::kRoc) return {ratio(c.fp[i], c.fp[i] + c.tn[i]), recall};
  if (curve == Curve::kPr) return {recall, ratio(c.tp[i], c.tp[i] + c.fp[i])};
  return gain_of(c.tp[i], c.fp[i], c.tn[i], c.fn[i]);
}

double height_of(Summation summation, double a, double b) {
  if (summation == Summation::kInterpolation) return (a + b) / 2;
  return summation == Summation::kMajoring ? std::max(a, b) : std::min(a, b);
}

// The sum of rectangles between neighbouring thresholds.
double area_of(Curve curve, Summation summation, const Confusion& c) {
  double area = 0;
  for (std::size_t i = 0; i + 1 < c.tp.size(); ++i) {
    Point a = point_of(curve, c, i), b = point_of(curve, c, i + 1);
    area += (a.x - b.x) * height_of(summation, a.y, b.y);
  }
  return area;
}

// Between thresholds precision is no straight line, true positives over positives are (Davis & Goadrich, 2006).
double interpolated_pr_area(const Confusion& c) {
  double area = 0;
  for (std::size_t i = 0; i + 1 < c.tp.size(); ++i) {
    double positives = c.tp[i] + c.fp[i], next = c.tp[i + 1] + c.fp[i + 1];
    double true_step = c.tp[i] - c.tp[i + 1], slope = ratio(true_step, std::max(positives - next, 0.0));
    double intercept = c.tp[i + 1] - slope * next;
    double growth = positives > 0 && next > 0 ? positives / next : 1;
    area += ratio(slope * (true_step + intercept * std::log(growth)), std::max(c.tp[i + 1] + c.fn[i + 1], 0.0));
  }
  return area;
}

class Auc final : public ConfusionMetric {
 public:
  Auc(ConfusionOptions options, Curve curve, Summation summation, std::vector<double> label_weights)
      : ConfusionMetric(std::move(options)),
        curve_(curve),
        summation_(summation),
        label_weights_(std::move(label_weights)) {}

 private:
  Sum result_of(const std::vector<Confusion>& labels) const override {
    bool exact = curve_ == Curve::kPr && summation_ == Summation::kInterpolation;
    double total = 0, weights = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      double weight = labels.size() == label_weights_.size() ? label_weights_[i] : 1;
      total += weight * (exact ? interpolated_pr_area(labels[i]) : area_of(curve_, summation_, labels[i]));
      weights += weight;
    }
    return scalar_sum(labels.size() == 1 ? total : ratio(total, weights));
  }
  Curve curve_;
  Summation summation_;
  std::vector<double> label_weights_;  // of multi_label
};

template <class Choice>
Choice choice_option(ClassOptions& options, std::string_view name, const std::vector<std::string>& choices) {
  std::string given = options.get(name, choices[0]), folded = given;
  std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) { return std::tolower(c); });
  auto same = [&](std::string choice) {
    std::transform(choice.begin(), choice.end(), choice.begin(), [](unsigned char c) { return std::tolower(c); });
    return choice == folded;
  };
  auto it = std::find_if(choices.begin(), choices.end(), same);
  options.require(it != choices.end(),
                  absl::StrCat(std::string(name), " ", choices[0], ", ", choices[1], " or ", choices[2]),
                  absl::StrCat("\"", given, "\""));
  return static_cast<Choice>(it - choices.begin());
}

Thresholds auc_thresholds(ClassOptions& options, std::int64_t n, std::vector<double> inner) {
  Thresholds thresholds;
  if (inner.empty()) {
    options.require(n > 1, "num_thresholds of at least 2", absl::StrCat(n));
    thresholds = Thresholds::grid(n);
  } else {
    std::sort(inner.begin(), inner.end());
    inner.insert(inner.begin(), 0);
    inner.push_back(1);
    thresholds = {.values = inner, .even = Thresholds::are_even(inner)};
  }
  thresholds.with_epsilon = true;
  thresholds.values.front() = -kMetricEpsilon;
  thresholds.values.back() = 1 + kMetricEpsilon;
  return thresholds;
}

std::shared_ptr<MetricImpl> make_auc(ClassOptions& options) {
  std::int64_t n = options.get("num_thresholds", std::int64_t{200});
  auto curve = choice_option<Curve>(options, "curve", {"ROC", "PR", "PRGAIN"});
  auto summation = choice_option<Summation>(options, "summation_method", {"interpolation", "majoring", "minoring"});
  bool multi_label = options.get("multi_label", false);
  options.get("num_labels", std::optional<std::int64_t>());
  Tensor label_weights = options.get("label_weights", Tensor());
  bool from_logits = options.get("from_logits", false);
  Tensor inner = options.optional("thresholds", Tensor());
  ConfusionOptions o{
      .thresholds = auc_thresholds(options, n, inner.defined() ? inner.to_vector<double>() : std::vector<double>()),
      .multi_label = multi_label,
      .from_logits = from_logits};
  std::vector<double> weights = label_weights.defined() ? label_weights.to_vector<double>() : std::vector<double>();
  if (!multi_label) o.label_weights = weights;
  return std::make_shared<Auc>(std::move(o), curve, summation, multi_label ? weights : std::vector<double>());
}

}  // namespace

MetricDefs auc_metrics() { return {{"AUC", nullptr, Direction::kUp, make_auc}}; }

}  // namespace mica::internal
