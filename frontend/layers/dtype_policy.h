// Keras' dtype policy of a layer: the element type of its weights and the one it computes in.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "frontend/layers/fields.h"

namespace mica::internal {

struct DTypePolicy {
  std::string name = "float32";  // "float32", "mixed_bfloat16", …
  DType compute = kFloat32, variable = kFloat32;

  static DTypePolicy of(DType dtype) { return {dtype.name(), dtype, dtype}; }
  // Nothing for a name that is no policy.
  static std::optional<DTypePolicy> named(std::string_view name);
};

// Written as Keras' object; read from that or from the name.
template <>
struct FieldValue<DTypePolicy> {
  static Config::Value write(const DTypePolicy& policy);
  static std::optional<DTypePolicy> read(const Config::Value& value);
  static std::string expected() { return "a dtype policy such as float32 or mixed_bfloat16"; }
};

}  // namespace mica::internal
