// The families of metrics: one record a class, from which follow its objects and what files say of it.
#pragma once
#include <memory>
#include <vector>

#include "frontend/training/class_options.h"
#include "frontend/training/metrics/metric.h"

namespace mica::internal {

struct MetricDef {
  const char* class_name;  // "TopKCategoricalAccuracy"
  const char* name;        // of its objects, unless they are given one; null: made from the class, another each time
  Direction direction;
  // Asks for its own options.
  std::shared_ptr<MetricImpl> (*make)(ClassOptions& options);
  const char* dtype = "float32";
};
using MetricDefs = std::vector<MetricDef>;

MetricDefs reduction_metrics();
MetricDefs accuracy_metrics();
MetricDefs loss_metrics();
MetricDefs regression_metrics();
MetricDefs confusion_metrics();
MetricDefs auc_metrics();
MetricDefs f_score_metrics();
MetricDefs iou_metrics();

constexpr double kMetricEpsilon = 1e-7;  // keras.config.epsilon()

// a / b, and 0 where b is 0.
inline double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace mica::internal
