// All optimizers of Keras by their classes.
#pragma once
#include "frontend/layers/fields.h"
#include "frontend/mica/training/optimizers.h"

namespace mica::internal {

// From a class, "Adam", in any case as Keras' strings have it, and its options; those that the config lacks have their
// defaults. Errors name the unknown class or option.
Optimizer make_optimizer(const Described& described);

// One's own class, by the name that it was registered under: nothing where no class was.
std::optional<Optimizer> make_custom_optimizer(const Described& described);
Config::Value custom_optimizer_value(OptimizerImpl& optimizer);

// The object of an optimizer.
template <>
struct FieldValue<Optimizer> {
  static Config::Value write(const Optimizer& value);
  static std::optional<Optimizer> read(const Config::Value& value);
  static std::string expected() { return "the name of an optimizer or an object"; }
};

}  // namespace mica::internal
