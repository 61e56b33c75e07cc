// How files hold Keras' dtype policies.
#pragma once
#include "frontend/layers/fields.h"
#include "frontend/mica/dtype_policy.h"

namespace mica::internal {

// Written as Keras' object; read from that or from the name.
template <>
struct FieldValue<DTypePolicy> {
  static Config::Value write(const DTypePolicy& policy);
  static std::optional<DTypePolicy> read(const Config::Value& value);
  static std::string expected() { return "a dtype policy such as float32 or mixed_bfloat16"; }
};

}  // namespace mica::internal
