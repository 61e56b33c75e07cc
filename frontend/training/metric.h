// What a Metric is behind its handle: a mean over samples of a function of (y_true, y_pred).
#pragma once
#include <functional>
#include <string>

#include "frontend/training/losses/loss.h"

namespace mica::internal {

struct MetricImpl {
  Described described = {};  // the class and its options; empty for a name or a function
  std::string name;          // "accuracy"
  LossFn values;             // one value a sample
  // State since the last reset: sum of weighted values, sum of weights. Kept in double: an epoch is a long sum.
  double total = 0, count = 0;
};

// A metric by Keras' name; "accuracy" and "acc" choose their kind by the shapes of target and prediction.
std::shared_ptr<MetricImpl> make_metric(const std::string& name);

// A metric from what a file says of it: a class and its options.
Metric make_metric(const Described& described);

// The two sums of one batch, as scalars of the graph. The mask of the prediction weighs 0 or 1.
struct MetricSums {
  Tensor total, count;
};
MetricSums metric_sums(const MetricImpl& metric, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight);

}  // namespace mica::internal
