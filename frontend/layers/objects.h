// Initializers, regularizers, constraints and activation functions from what a file says of them. Errors name the class
// and, where one is unknown, the list of the known ones.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "frontend/mica/layer.h"

namespace mica::internal {

// By Keras' name ("he_normal") or class ("HeNormal") with its options.
Initializer make_initializer(const Described& described);
Regularizer make_regularizer(const Described& described);
Constraint make_constraint(const Described& described);

// An activation that is no layer: its name, or the object of a registered function. A function of one's own that
// has no name is the object of function null, which no file may hold.
Config::Value activation_value(const ActivationFn& activation);
Config::Value function_value(const Config::Value& name);
// The name in {"class_name": "function", "config": name}; nothing for another object.
std::optional<std::string> function_name(const Config::Value& value);

// One's own functions by the names that they have in files.
void register_activation(std::string_view name, std::function<Tensor(const Tensor&)> function);
// Empty when there is none.
std::function<Tensor(const Tensor&)> registered_activation(std::string_view name);

}  // namespace mica::internal
