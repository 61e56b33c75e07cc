// One's own metric, derived from CustomMetric.
#include <typeinfo>

#include "frontend/files/custom_classes.h"
#include "frontend/graph/naming.h"
#include "frontend/training/metrics/metric.h"

namespace mica {
namespace {

class OwnMetric final : public internal::MetricImpl {
 public:
  explicit OwnMetric(std::shared_ptr<CustomMetric> object) : object_(std::move(object)) {
    name = object_->name();
    described = {"function", {}};
  }
  std::vector<std::string_view> sums() const override { return {}; }
  Tensors contribution(const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) const override {
    object_->update_state(y_true, y_pred, weight);
    return {};
  }
  internal::Sum result(const internal::MetricState&) const override {
    Tensor value = object_->result();
    return {{value.shape().begin(), value.shape().end()}, value.to_vector<double>()};
  }
  void reset() const override { object_->reset_state(); }
  Parameters own_variables() const override { return object_->variables(); }
  const CustomMetric* custom() const override { return object_.get(); }

 private:
  std::shared_ptr<CustomMetric> object_;
};

}  // namespace

const std::string& CustomMetric::name() const {
  if (name_.empty()) name_ = internal::unique_name(internal::snake_case(internal::class_name_of(typeid(*this))));
  return name_;
}

void CustomMetric::reset_state() {
  for (Variable& variable : variables_) variable.assign(zeros(variable.shape(), {.dtype = variable.dtype()}));
}

Variable CustomMetric::add_variable(const Shape& shape, std::string_view name) {
  variables_.emplace_back(zeros(shape, {.dtype = kFloat32}), name, /*trainable=*/false);
  return variables_.back();
}

namespace internal {

Config::Value custom_metric_value(const MetricImpl& metric) {
  const CustomMetric& object = *metric.custom();
  Config config{{"name", metric.name}, {"dtype", metric.dtype}};
  const Config own = object.config();
  for (const auto& [key, value] : own.items()) config.set(key, value);
  return custom_value(registered_name_of(object), class_name_of(typeid(object)), config, "register_metric");
}

std::optional<Metric> make_custom_metric(const Described& described) {
  const auto* known = find_custom_metric(described.class_name);
  if (!known || known->registered_name != described.class_name) return std::nullopt;
  NamingPause pause;  // the name comes from the config
  Metric metric = known->make(described.config);
  if (described.config.contains("name")) metric.impl().name = described.config.get<std::string>("name");
  return metric;
}

std::shared_ptr<MetricImpl> metric_of(std::shared_ptr<CustomMetric> object) {
  return std::make_shared<OwnMetric>(std::move(object));
}
}  // namespace internal
}  // namespace mica
