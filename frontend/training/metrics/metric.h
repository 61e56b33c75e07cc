// What a Metric is behind its handle: what a batch contributes, computed inside the step's graph; how contributions are
// kept, as sums in double on the host; and the result of the sums.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/training/losses/loss.h"
#include "runtime/array.h"

namespace mica::internal {

// Numbers of a shape, in double: an epoch is a long sum.
struct Sum {
  std::vector<std::int64_t> dims;
  std::vector<double> values;
  void add(const rt::Array& part);  // takes its shape when empty
};
inline Sum scalar_sum(double value) { return {{}, {value}}; }

// The sums since the last reset, in the metric's order; empty before the first batch.
using MetricState = std::vector<Sum>;

// Whether more is better, for callbacks that look for the best epoch.
enum class Direction { kUnknown, kUp, kDown };

class MetricImpl {
 public:
  virtual ~MetricImpl() = default;

  // The names of the sums.
  virtual std::vector<std::string_view> sums() const = 0;
  // What a batch adds to each of them: values of the running trace, or pending ones. `weight` may be undefined. A
  // metric with Variables of its own assigns them instead.
  virtual Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const = 0;
  virtual Sum result(const MetricState& state) const = 0;
  // Of a metric's own Variables.
  virtual void reset() const {}
  virtual Parameters own_variables() const { return {}; }
  virtual const CustomMetric* custom() const { return nullptr; }

  Described described = {};  // the class and its options; empty for a name, class "function" for a function
  std::string name;          // "accuracy"
  std::string dtype = "float32";
  Direction direction = Direction::kUnknown;
  MetricState seen;  // what update_state() of the handle has seen
};

// A metric by Keras' name of a class or its alias, or of a loss; Error with the list. "accuracy" chooses its kind by
// the shapes of target and prediction.
std::shared_ptr<MetricImpl> find_metric(const std::string& name);
// A loss: the values of a function, or what an object reduces them to.
std::shared_ptr<MetricImpl> metric_of(const Loss& loss);
// The mean of a function of (y_true, y_pred).
std::shared_ptr<MetricImpl> mean_metric(std::string_view name, LossFn values);
// One's own class.
std::shared_ptr<MetricImpl> metric_of(std::shared_ptr<CustomMetric> object);
// What a file says of it, and from that; nothing where its class was not registered.
Config::Value custom_metric_value(const MetricImpl& metric);
std::optional<Metric> make_custom_metric(const Described& described);
// The mean of a function that has a name in files.
void register_metric_function(std::string_view name, LossFn function);
// From what a file says of it: a class and its options, or a name.
Metric make_metric(const Described& described);

}  // namespace mica::internal
