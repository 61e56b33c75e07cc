#include "frontend/layers/fields.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/files/keras_object.h"
#include "frontend/graph/collections.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/objects.h"

namespace mica::internal {

using Kind = Config::Value::Kind;

namespace {

// A value for an error line.
std::string short_text(const Config::Value& value) {
  constexpr std::size_t kLength = 80;
  std::string text = value.to_json();
  return text.size() <= kLength ? text : absl::StrCat(text.substr(0, kLength), "…");
}

}  // namespace

std::optional<bool> FieldValue<bool>::read(const Config::Value& value) {
  return value.kind() == Kind::kTruth ? std::optional(value.integer() != 0) : std::nullopt;
}

std::optional<std::int64_t> FieldValue<std::int64_t>::read(const Config::Value& value) {
  return value.kind() == Kind::kInteger ? std::optional(value.integer()) : std::nullopt;
}

std::optional<int> FieldValue<int>::read(const Config::Value& value) {
  bool fits = value.kind() == Kind::kInteger && value.integer() >= std::numeric_limits<int>::min() &&
              value.integer() <= std::numeric_limits<int>::max();
  return fits ? std::optional(static_cast<int>(value.integer())) : std::nullopt;
}

std::optional<double> FieldValue<double>::read(const Config::Value& value) {
  bool is_number = value.kind() == Kind::kInteger || value.kind() == Kind::kReal;
  return is_number && std::isfinite(value.number()) ? std::optional(value.number()) : std::nullopt;
}

std::optional<std::string> FieldValue<std::string>::read(const Config::Value& value) {
  return value.kind() == Kind::kText ? std::optional(value.text()) : std::nullopt;
}

std::optional<Shape> FieldValue<Shape>::read(const Config::Value& value) {
  if (value.kind() != Kind::kList) return std::nullopt;
  std::vector<std::int64_t> dims;
  for (const Config::Value& item : value.list()) {
    bool is_dim = item.is_null() || (item.kind() == Kind::kInteger && item.integer() >= kAny);
    if (!is_dim) return std::nullopt;
    dims.push_back(item.is_null() ? kAny : item.integer());
  }
  return Shape(std::move(dims));
}

std::optional<DType> FieldValue<DType>::read(const Config::Value& value) {
  DType dtype = kFloat32;
  bool known = value.kind() == Kind::kText && DType::parse(value.text(), &dtype);
  return known ? std::optional(dtype) : std::nullopt;
}

Config::Value FieldValue<Axes>::write(const Axes& value) {
  if (value.list().empty()) return {};
  return value.list().size() == 1 ? Config::Value(value.list()[0]) : Config::Value(value.list());
}

std::optional<Axes> FieldValue<Axes>::read(const Config::Value& value) {
  if (value.is_null()) return Axes();
  if (value.kind() == Kind::kInteger) return Axes(value.integer());
  std::optional<std::vector<std::int64_t>> list = FieldValue<std::vector<std::int64_t>>::read(value);
  return list ? std::optional(Axes(*list)) : std::nullopt;
}

namespace {

// Nested lists of equal lengths become the shape and the flat numbers of an array.
bool flatten(const Config::Value& value, std::size_t depth, std::vector<std::int64_t>& dims,
             std::vector<double>& numbers) {
  if (value.is_number()) {
    if (depth != dims.size()) return false;
    numbers.push_back(value.number());
    return true;
  }
  if (value.kind() != Kind::kList) return false;
  auto length = static_cast<std::int64_t>(value.list().size());
  if (depth == dims.size()) {
    if (!numbers.empty()) return false;
    dims.push_back(length);
  }
  if (dims[depth] != length) return false;
  return std::all_of(value.list().begin(), value.list().end(),
                     [&](const Config::Value& item) { return flatten(item, depth + 1, dims, numbers); });
}

bool all_whole(const Config::Value& value) {
  if (value.kind() != Kind::kList) return value.kind() == Kind::kInteger;
  return std::all_of(value.list().begin(), value.list().end(), all_whole);
}

// The numbers from `next` on, as nested lists over the axes from `axis` on.
template <class T>
Config::Value nested(const Shape& shape, int axis, const std::vector<T>& numbers, std::size_t& next) {
  if (axis == shape.rank()) return numbers[next++];
  std::vector<Config::Value> list;
  for (std::int64_t i = 0; i < shape[axis]; ++i) list.push_back(nested(shape, axis + 1, numbers, next));
  return list;
}

}  // namespace

Config::Value FieldValue<Tensor>::write(const Tensor& value) {
  if (!value.defined()) return {};
  std::size_t next = 0;
  if (value.dtype().is_floating()) return nested(value.shape(), 0, value.to_vector<double>(), next);
  return nested(value.shape(), 0, value.to_vector<std::int64_t>(), next);
}

std::optional<Tensor> FieldValue<Tensor>::read(const Config::Value& value) {
  if (value.is_null()) return Tensor();
  // Keras wraps arrays: {"class_name": "__numpy__", "config": {"value": …, "dtype": …}}.
  if (std::optional<Described> wrapped = described_by(value); wrapped && value.kind() == Kind::kObject) {
    bool is_array = wrapped->class_name == "__numpy__" || wrapped->class_name == "__tensor__";
    if (!is_array || !wrapped->config.contains("value") || !wrapped->config.contains("dtype")) return std::nullopt;
    std::optional<DType> dtype = FieldValue<DType>::read(wrapped->config.at("dtype"));
    std::optional<Tensor> inner = read(wrapped->config.at("value"));
    return dtype && inner && inner->defined() ? std::optional(inner->to(*dtype)) : std::nullopt;
  }
  std::vector<std::int64_t> dims;
  std::vector<double> numbers;
  if (!flatten(value, 0, dims, numbers)) return std::nullopt;
  return tensor(numbers, Shape(std::move(dims)), {.dtype = all_whole(value) ? kInt64 : kFloat64});
}

Config::Value FieldValue<ActivationFn>::write(const ActivationFn& value) {
  if (value.layer()) return FieldValue<Layer>::write(Layer::of(value.layer()));
  return activation_value(value);
}

std::optional<ActivationFn> FieldValue<ActivationFn>::read(const Config::Value& value) {
  if (value.is_null()) return ActivationFn();
  if (value.kind() == Kind::kText) return ActivationFn(value.text());
  if (value.kind() != Kind::kObject) return std::nullopt;
  if (std::optional<std::string> function = function_name(value)) return ActivationFn(*function);
  std::optional<Layer> layer = FieldValue<Layer>::read(value);
  return layer ? std::optional(ActivationFn(*layer)) : std::nullopt;
}

namespace {

Config::Value described_value(std::string_view module, const Described& described) {
  if (described.class_name.empty()) return {};
  return object_value(module, described.class_name, described.config);
}

}  // namespace

Config::Value FieldValue<Initializer>::write(const Initializer& value) {
  return described_value("keras.initializers", value.described());
}
std::optional<Initializer> FieldValue<Initializer>::read(const Config::Value& value) {
  std::optional<Described> described = described_by(value);
  return described ? std::optional(make_initializer(*described)) : std::nullopt;
}

Config::Value FieldValue<Regularizer>::write(const Regularizer& value) {
  bool own = value.fn() && value.described().class_name.empty();
  return own ? function_value({}) : described_value("keras.regularizers", value.described());
}
std::optional<Regularizer> FieldValue<Regularizer>::read(const Config::Value& value) {
  if (value.is_null()) return Regularizer();
  std::optional<Described> described = described_by(value);
  return described ? std::optional(make_regularizer(*described)) : std::nullopt;
}

Config::Value FieldValue<Constraint>::write(const Constraint& value) {
  bool own = value.fn() && value.described().class_name.empty();
  return own ? function_value({}) : described_value("keras.constraints", value.described());
}
std::optional<Constraint> FieldValue<Constraint>::read(const Config::Value& value) {
  if (value.is_null()) return Constraint();
  std::optional<Described> described = described_by(value);
  return described ? std::optional(make_constraint(*described)) : std::nullopt;
}

// Keras builds a layer inside of another one as soon as it has read it, when the file says on which shape.
Config::Value FieldValue<Layer>::write(const Layer& value) {
  if (!value) return {};
  Config object = files::layer_object(value);
  const LayerState& state = state_of(value);
  const bool says_shape = state.built && !state.model && state.build_shapes.size() == 1;
  if (says_shape) object.set("build_config", Config{{"input_shape", state.build_shapes[0]}});
  return object;
}
std::optional<Layer> FieldValue<Layer>::read(const Config::Value& value) {
  if (value.is_null()) return Layer();
  if (value.kind() != Kind::kObject) return std::nullopt;
  Layer layer = files::read_layer(value.object());
  const bool was_built = value.object().contains("build_config") && !value.object().at("build_config").is_null();
  if (auto* builtin = layer.get_if<BuiltinLayer>()) builtin->set_builds_alone(was_built);
  return layer;
}

const Config::Value* ConfigReader::find(std::string_view name) {
  seen_.push_back(name);
  return config_.contains(name) ? &config_.at(name) : nullptr;
}

void ConfigReader::visit_field(const Field& field) {
  const Config::Value* value = find(field.name);
  std::string name(field.name);
  if (!value) {
    if (!field.required) return;
    throw Error({.where = layer_,
                 .expected = absl::StrCat("the option \"", name, "\", ", field.expected()),
                 .received = "a configuration without it",
                 .hint = {}});
  }
  bool is_right = false;
  try {
    is_right = field.read(*value);
  } catch (const Error& e) {
    throw Error({.where = absl::StrCat(layer_, ": ", name, e.where() == name ? "" : absl::StrCat(": ", e.where())),
                 .expected = e.expected(),
                 .received = e.received(),
                 .hint = e.hint()});
  }
  if (is_right) return;
  throw Error({.where = layer_,
               .expected = absl::StrCat(name, " to be ", field.expected()),
               .received = short_text(*value),
               .hint = {}});
}

void ConfigReader::fixed(std::string_view name, const Config::Value& supported) {
  const Config::Value* value = find(name);
  if (!value || value->to_json() == supported.to_json()) return;
  throw Error({.where = layer_,
               .expected = absl::StrCat(std::string(name), " to be ", supported.to_json()),
               .received = short_text(*value),
               .hint = "Mica knows no other value of this option."});
}

void ConfigReader::finish() const {
  for (const auto& [name, value] : config_.items()) {
    if (value.is_null() || std::find(seen_.begin(), seen_.end(), name) != seen_.end()) continue;
    std::vector<std::string> known(seen_.begin(), seen_.end());
    throw Error({.where = layer_,
                 .expected = absl::StrCat("one of the options ", join(known)),
                 .received = absl::StrCat("\"", name, "\""),
                 .hint = {}});
  }
}

Config::Value object_value(std::string_view module, std::string_view class_name, const Config& config) {
  return Config{{"module", std::string(module)},
                {"class_name", std::string(class_name)},
                {"config", config},
                {"registered_name", {}}};
}

std::optional<Described> described_by(const Config::Value& value) {
  if (value.kind() == Kind::kText) return Described{value.text(), {}};
  if (value.kind() != Kind::kObject) return std::nullopt;
  const Config& object = value.object();
  if (!object.contains("class_name") || object.at("class_name").kind() != Kind::kText) return std::nullopt;
  Described described{object.at("class_name").text(), {}};
  if (!object.contains("config") || object.at("config").is_null()) return described;
  if (object.at("config").kind() != Kind::kObject) return std::nullopt;
  described.config = object.at("config").object();
  return described;
}

}  // namespace mica::internal
