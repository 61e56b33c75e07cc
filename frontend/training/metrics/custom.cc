// One's own metric, derived from CustomMetric.
#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

#include "frontend/graph/naming.h"
#include "frontend/training/metrics/metric.h"

namespace mica {
namespace {

std::string class_name_of(const CustomMetric& metric) {
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(typeid(metric).name(), nullptr, nullptr, nullptr),
                                              std::free);
  std::string name = text ? text.get() : "metric";
  return name.substr(name.rfind(':') == std::string::npos ? 0 : name.rfind(':') + 1);
}

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

 private:
  std::shared_ptr<CustomMetric> object_;
};

}  // namespace

const std::string& CustomMetric::name() const {
  if (name_.empty()) name_ = internal::unique_name(internal::snake_case(class_name_of(*this)));
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
std::shared_ptr<MetricImpl> metric_of(std::shared_ptr<CustomMetric> object) {
  return std::make_shared<OwnMetric>(std::move(object));
}
}  // namespace internal
}  // namespace mica
