#include "frontend/layers/dtype_policy.h"

namespace mica::internal {

std::optional<DTypePolicy> DTypePolicy::named(std::string_view name) {
  if (name == "mixed_float16") return DTypePolicy{std::string(name), kFloat16, kFloat32};
  if (name == "mixed_bfloat16") return DTypePolicy{std::string(name), kBFloat16, kFloat32};
  DType dtype = kFloat32;
  if (!DType::parse(name, &dtype)) return std::nullopt;
  return of(dtype);
}

Config::Value FieldValue<DTypePolicy>::write(const DTypePolicy& policy) {
  return object_value("keras", "DTypePolicy", {{"name", policy.name}});
}

std::optional<DTypePolicy> FieldValue<DTypePolicy>::read(const Config::Value& value) {
  std::optional<Described> described = described_by(value);
  if (!described) return std::nullopt;
  bool is_object = value.kind() == Config::Value::Kind::kObject;
  if (!is_object) return DTypePolicy::named(described->class_name);
  if (described->class_name != "DTypePolicy") return std::nullopt;  // quantized ones among them
  const Config& config = described->config;
  if (!config.contains("name") || config.at("name").kind() != Config::Value::Kind::kText) return std::nullopt;
  return DTypePolicy::named(config.at("name").text());
}

}  // namespace mica::internal
