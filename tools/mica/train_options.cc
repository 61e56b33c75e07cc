#include "tools/mica/train_options.h"

#include <charconv>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/files/file_error.h"
#include "frontend/files/json.h"
#include "frontend/layers/fields.h"
#include "frontend/training/callback.h"
#include "frontend/training/data.h"

namespace mica {
namespace internal {

// {"0": 1.0, "3": 0.5}, as JSON has numbers for keys.
template <>
struct FieldValue<ClassWeights> {
  static Config::Value write(const ClassWeights& weights) {
    Config object;
    for (const auto& [label, weight] : weights) object.set(absl::StrCat(label), weight);
    return object;
  }
  static std::optional<ClassWeights> read(const Config::Value& value) {
    if (value.is_null()) return ClassWeights();
    if (value.kind() != Config::Value::Kind::kObject) return std::nullopt;
    ClassWeights weights;
    for (const auto& [key, weight] : value.object().items()) {
      std::int64_t label = 0;
      auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), label);
      if (error != std::errc() || end != key.data() + key.size() || !weight.is_number()) return std::nullopt;
      weights.emplace_back(label, weight.number());
    }
    return weights;
  }
  static std::string expected() { return "an object of classes and weights"; }
};

}  // namespace internal

namespace tool {
namespace {

using Kind = Config::Value::Kind;

[[noreturn]] void fail(const std::string& where, std::string expected, const Config::Value& received) {
  throw Error(
      {.where = where, .expected = std::move(expected), .received = received.to_json().substr(0, 80), .hint = {}});
}

Config object_at(const Config& config, const char* key, const std::string& where) {
  if (!config.contains(key)) return {};
  const Config::Value& value = config.at(key);
  if (value.kind() != Kind::kObject) fail(where, absl::StrCat("\"", key, "\" to be an object"), value);
  return value.object();
}

// Null stands for the default, as in Python.
template <class T>
void field(internal::ConfigReader& reader, std::string_view name, T& value) {
  std::optional<T> given;
  reader.field(name, given);
  if (given) value = std::move(*given);
}

FitOptions read_fit(const Config& config, const std::string& where) {
  FitOptions fit;
  internal::ConfigReader reader(config, where);
  field(reader, "batch_size", fit.batch_size);
  field(reader, "epochs", fit.epochs);
  field(reader, "verbose", fit.verbose);
  field(reader, "validation_split", fit.validation_split);
  field(reader, "shuffle", fit.shuffle);
  reader.field("class_weight", fit.class_weight);
  field(reader, "initial_epoch", fit.initial_epoch);
  reader.field("steps_per_epoch", fit.steps_per_epoch);
  reader.field("validation_steps", fit.validation_steps);
  reader.field("validation_batch_size", fit.validation_batch_size);
  field(reader, "validation_freq", fit.validation_freq);
  reader.finish();
  return fit;
}

Callback read_callback(const Config::Value& value, const std::string& where) {
  bool described = value.kind() == Kind::kObject && value.object().contains("class") &&
                   value.object().at("class").kind() == Kind::kText;
  if (!described) fail(where, "callbacks to be objects with \"class\" and \"config\"", value);
  const Config& callback = value.object();
  return internal::make_callback({callback.at("class").text(), object_at(callback, "config", where)});
}

std::vector<Callback> read_callbacks(const Config& config, const std::string& where) {
  std::vector<Callback> callbacks;
  if (!config.contains("callbacks")) return callbacks;
  const Config::Value& list = config.at("callbacks");
  if (list.kind() != Kind::kList) fail(where, "\"callbacks\" to be a list", list);
  for (const Config::Value& item : list.list()) callbacks.push_back(read_callback(item, where));
  return callbacks;
}

Config::Value at_or_null(const Config& config, const char* key) {
  return config.contains(key) ? config.at(key) : Config::Value();
}

ArrayRoles roles_of(const Config& arrays) {
  return {at_or_null(arrays, "x"), at_or_null(arrays, "y"), at_or_null(arrays, "sample_weight")};
}

Config::Value role_by_name(const TensorDict& arrays, const std::string& role) {
  if (arrays.contains(role)) return role;
  const std::string prefix = absl::StrCat(role, ":");
  Config named;
  for (const std::string& key : arrays.keys()) {
    if (key.starts_with(prefix)) named.set(key.substr(prefix.size()), key);
  }
  return named.items().empty() ? Config::Value() : Config::Value(named);
}

const Tensor& array_at(const TensorDict& arrays, const Config::Value& key, const std::string& file) {
  if (key.kind() == Kind::kText && arrays.contains(key.text())) return arrays[key.text()];
  fail(file, absl::StrCat("one of the arrays ", absl::StrJoin(arrays.keys(), ", ")), key);
}

}  // namespace

TrainOptions read_train_options(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error({.where = path, .expected = "a readable file", .received = "none", .hint = {}});
  std::ostringstream text;
  text << file.rdbuf();
  const Config::Value value = files::value_or_throw(files::parse_json(text.str(), path));
  if (value.kind() != Kind::kObject) fail(path, "an object", value);
  const Config& config = value.object();
  TrainOptions options{.fit = read_fit(object_at(config, "fit", path), absl::StrCat(path, ":fit"))};
  options.fit.callbacks = read_callbacks(config, path);
  const Config arrays = object_at(config, "arrays", path);
  if (arrays.contains("x")) options.roles = roles_of(arrays);
  if (arrays.contains("validation")) options.validation = roles_of(object_at(arrays, "validation", path));
  return options;
}

ArrayRoles roles_by_name(const TensorDict& arrays) {
  return {role_by_name(arrays, "x"), role_by_name(arrays, "y"), role_by_name(arrays, "sample_weight")};
}

Inputs inputs_of(const TensorDict& arrays, const Config::Value& role, const std::string& file) {
  if (role.is_null()) return {};
  if (role.kind() == Kind::kList) {
    Tensors list;
    for (const Config::Value& key : role.list()) list.push_back(array_at(arrays, key, file));
    return list;
  }
  if (role.kind() != Kind::kObject) return array_at(arrays, role, file);
  TensorDict named;
  for (const auto& [name, key] : role.object().items()) named.set(name, array_at(arrays, key, file));
  return named;
}

}  // namespace tool
}  // namespace mica
