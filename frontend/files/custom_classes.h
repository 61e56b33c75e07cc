// One's own layer classes by the names that they have in files: register_layer<T>("package>Name").
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "frontend/mica/model.h"

namespace mica::internal {

struct CustomClass {
  std::string registered_name;
  std::function<Layer(const Config&)> make;
};

// By registered name, or by its part after '>'. Null when there is none.
const CustomClass* find_custom_class(std::string_view name);
// The name that the class of the object was registered under; null for none.
const std::string* registered_name_of(const CustomLayer& layer);

}  // namespace mica::internal
