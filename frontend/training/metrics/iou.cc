// Intersection over union of classes, from a confusion matrix of all of them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/losses/reduction.h"
#include "frontend/training/metrics/families.h"

namespace mica::internal {
namespace {

struct IoUOptions {
  std::int64_t num_classes = 2;
  std::vector<std::int64_t> targets = {};
  std::optional<std::int64_t> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;
  int axis = -1;
  std::optional<double> threshold = {};  // of predictions of two classes
};

class IoU final : public MetricImpl {
 public:
  explicit IoU(IoUOptions options) : options_(std::move(options)) {}
  std::vector<std::string_view> sums() const override { return {"total_confusion_matrix"}; }

  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override {
    Tensor t = classes_of(y_true, options_.sparse_y_true), p = predicted(y_pred), w = ones_like(cast(t, kFloat32));
    if (weight.defined()) w = w * weights_beside(whole(cast(weight, kFloat32)).flatten(), t);
    std::int64_t n = options_.num_classes;
    Tensor counts = (t >= 0) & (t < n) & (p >= 0) & (p < n);
    if (options_.ignore_class) counts = counts & (t != *options_.ignore_class);
    Tensor cell = where(counts, t * n + p, 0);
    return {apply("scatter_add", {zeros({n * n}), cell, where(counts, w, 0)}, {{"axis", std::int64_t{0}}})};
  }

  Sum result(const MetricState& state) const override {
    if (state.empty()) return scalar_sum(0);
    const std::vector<double>& matrix = state[0].values;
    auto n = static_cast<std::size_t>(options_.num_classes);
    double total = 0, present = 0;
    for (std::int64_t target : options_.targets) {
      auto i = static_cast<std::size_t>(target);
      double both = matrix[i * n + i], either = -both;
      for (std::size_t j = 0; j < n; ++j) either += matrix[i * n + j] + matrix[j * n + i];
      if (either <= 1e-9) continue;
      total += both / (either + kMetricEpsilon);
      ++present;
    }
    return scalar_sum(total / (present + kMetricEpsilon));
  }

 private:
  // Keras counts in the metric's dtype: of integers weights lose their fractions.
  Tensor whole(const Tensor& weight) const {
    return dtype.starts_with("int") ? cast(cast(weight, kInt32), kFloat32) : weight;
  }

  Tensor classes_of(const Tensor& x, bool sparse) const {
    return (sparse ? x : x.argmax(options_.axis)).to(kInt32).flatten();
  }
  Tensor predicted(const Tensor& y_pred) const {
    if (options_.threshold) return (cast(y_pred, kFloat32) >= *options_.threshold).to(kInt32).flatten();
    return classes_of(y_pred, options_.sparse_y_pred);
  }
  IoUOptions options_;
};

using Ids = std::vector<std::int64_t>;

Ids all_classes(std::int64_t n) {
  Ids all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

void check_targets(ClassOptions& options, const IoUOptions& o) {
  for (std::int64_t id : o.targets) {
    options.require(id >= 0 && id < o.num_classes, absl::StrCat("target_class_ids from 0 to ", o.num_classes - 1),
                    absl::StrCat(id));
  }
}

// Of the classes that are named, or of all of them; `one_hot`: targets and predictions have an axis of classes.
template <bool of_all, bool one_hot>
std::shared_ptr<MetricImpl> make_iou(ClassOptions& options) {
  IoUOptions o{.num_classes = options.required<std::int64_t>("num_classes")};
  options.require(o.num_classes > 0, "num_classes of at least 1", absl::StrCat(o.num_classes));
  o.targets = of_all ? all_classes(o.num_classes) : options.required<Ids>("target_class_ids");
  o.ignore_class = options.get("ignore_class", std::optional<std::int64_t>());
  o.sparse_y_true = one_hot ? false : options.get("sparse_y_true", true);
  o.sparse_y_pred = options.get("sparse_y_pred", !one_hot);
  o.axis = options.get("axis", -1);
  check_targets(options, o);
  return std::make_shared<IoU>(std::move(o));
}

std::shared_ptr<MetricImpl> make_binary_iou(ClassOptions& options) {
  IoUOptions o{.targets = options.get("target_class_ids", Ids{0, 1})};
  o.threshold = options.get("threshold", 0.5);
  check_targets(options, o);
  return std::make_shared<IoU>(std::move(o));
}

}  // namespace

MetricDefs iou_metrics() {
  constexpr Direction kUp = Direction::kUp;
  return {
      {"IoU", nullptr, kUp, make_iou<false, false>, "int32"},
      {"BinaryIoU", nullptr, kUp, make_binary_iou, "int32"},
      {"MeanIoU", nullptr, kUp, make_iou<true, false>, "int32"},
      {"OneHotIoU", nullptr, kUp, make_iou<false, true>, "int32"},
      {"OneHotMeanIoU", nullptr, kUp, make_iou<true, true>, "int32"},
  };
}

}  // namespace mica::internal
