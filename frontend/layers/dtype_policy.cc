#include "frontend/layers/dtype_policy.h"

#include <mutex>

#include "absl/strings/str_cat.h"

namespace mica {
namespace {

struct DefaultPolicy {
  std::mutex mutex;
  DTypePolicy policy = kFloat32;
};
DefaultPolicy& default_policy() {
  static auto* policy = new DefaultPolicy();
  return *policy;
}

}  // namespace

DTypePolicy::DTypePolicy(std::string name, DType compute, DType variable)
    : name_(std::move(name)), compute_(compute), variable_(variable) {}
DTypePolicy::DTypePolicy(DType dtype) : DTypePolicy(dtype.name(), dtype, dtype) {}
DTypePolicy::DTypePolicy() : DTypePolicy(kFloat32) {
  DefaultPolicy& current = default_policy();
  std::lock_guard lock(current.mutex);
  *this = current.policy;
}
DTypePolicy::DTypePolicy(const char* name) : DTypePolicy(std::string(name)) {}
DTypePolicy::DTypePolicy(const std::string& name) : DTypePolicy(kFloat32) {
  std::optional<DTypePolicy> policy = named(name);
  if (!policy) {
    throw Error({.where = "dtype policy",
                 .expected = "mixed_float16, mixed_bfloat16 or the name of an element type",
                 .received = absl::StrCat("\"", name, "\""),
                 .hint = {}});
  }
  *this = *policy;
}

std::optional<DTypePolicy> DTypePolicy::named(std::string_view name) {
  if (name == "mixed_float16") return DTypePolicy(std::string(name), kFloat16, kFloat32);
  if (name == "mixed_bfloat16") return DTypePolicy(std::string(name), kBFloat16, kFloat32);
  DType dtype = kFloat32;
  return DType::parse(name, &dtype) ? std::optional(DTypePolicy(dtype)) : std::nullopt;
}

void set_dtype_policy(const DTypePolicy& policy) {
  DefaultPolicy& current = default_policy();
  std::lock_guard lock(current.mutex);
  current.policy = policy;
}

namespace internal {

Config::Value FieldValue<DTypePolicy>::write(const DTypePolicy& policy) {
  return object_value("keras", "DTypePolicy", {{"name", policy.name()}});
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

}  // namespace internal
}  // namespace mica
