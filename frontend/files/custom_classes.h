// One's own classes by the names that they have in files: register_layer<T>("package>Name") and its like for metrics
// and optimizers.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <typeinfo>

#include "frontend/mica/model.h"

namespace mica::internal {

// Handle: Layer, Metric, Optimizer.
template <class Handle>
struct CustomClassOf {
  std::string registered_name;
  std::function<Handle(const Config&)> make;
};
using CustomClass = CustomClassOf<Layer>;

// By registered name, or by its part after '>'. Null when there is none.
const CustomClass* find_custom_class(std::string_view name);
const CustomClassOf<Metric>* find_custom_metric(std::string_view name);
const CustomClassOf<Optimizer>* find_custom_optimizer(std::string_view name);
// The name that the class of the object was registered under; null for none.
const std::string* registered_name_of(const CustomLayer& layer);
const std::string* registered_name_of(const CustomMetric& metric);
const std::string* registered_name_of(const CustomOptimizer& optimizer);

// What a file says of an object of such a class; Error where the class was not registered. `registration` is the
// function that does: "register_metric".
Config::Value custom_value(const std::string* registered_name, const std::string& class_name, const Config& config,
                           const char* registration);

}  // namespace mica::internal
