// Fields: the options of a layer, by Keras' names, as values of a Config. FieldValue<T> turns one option into a value
// and back; a FieldVisitor is led over all options of a layer, once each, to write or to read them.
#pragma once
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "frontend/mica/layer.h"

namespace mica::internal {

// write(): the value as Keras' get_config() has it. read(): nothing when the value is of another kind; an Error when it
// is an object that cannot be made. expected(): the kind, for errors.
template <class T>
struct FieldValue;

template <class T>
struct BasicFieldValue {
  static Config::Value write(const T& value) { return value; }
};
template <>
struct FieldValue<bool> : BasicFieldValue<bool> {
  static std::optional<bool> read(const Config::Value& value);
  static std::string expected() { return "true or false"; }
};
template <>
struct FieldValue<std::int64_t> : BasicFieldValue<std::int64_t> {
  static std::optional<std::int64_t> read(const Config::Value& value);
  static std::string expected() { return "an integer"; }
};
template <>
struct FieldValue<int> : BasicFieldValue<int> {
  static std::optional<int> read(const Config::Value& value);
  static std::string expected() { return "an integer"; }
};
template <>
struct FieldValue<double> : BasicFieldValue<double> {
  static std::optional<double> read(const Config::Value& value);
  static std::string expected() { return "a finite number"; }
};
template <>
struct FieldValue<std::string> : BasicFieldValue<std::string> {
  static std::optional<std::string> read(const Config::Value& value);
  static std::string expected() { return "a string"; }
};
template <>
struct FieldValue<Shape> : BasicFieldValue<Shape> {
  static std::optional<Shape> read(const Config::Value& value);
  static std::string expected() { return "a list of dims, null where open"; }
};
template <>
struct FieldValue<DType> {
  static Config::Value write(DType value) { return value.name(); }
  static std::optional<DType> read(const Config::Value& value);
  static std::string expected() { return "the name of an element type"; }
};
// One axis, or a list of several.
template <>
struct FieldValue<Axes> {
  static Config::Value write(const Axes& value);
  static std::optional<Axes> read(const Config::Value& value);
  static std::string expected() { return "an axis or a list of axes"; }
};
// Numbers: one or nested lists of them; null where there is none.
template <>
struct FieldValue<Tensor> {
  static Config::Value write(const Tensor& value);
  static std::optional<Tensor> read(const Config::Value& value);
  static std::string expected() { return "a number or nested lists of numbers"; }
};
template <>
struct FieldValue<ActivationFn> {
  static Config::Value write(const ActivationFn& value);
  static std::optional<ActivationFn> read(const Config::Value& value);
  static std::string expected() { return "the name of an activation or an object"; }
};
template <>
struct FieldValue<Initializer> {
  static Config::Value write(const Initializer& value);
  static std::optional<Initializer> read(const Config::Value& value);
  static std::string expected() { return "the name of an initializer or an object"; }
};
template <>
struct FieldValue<Regularizer> {
  static Config::Value write(const Regularizer& value);
  static std::optional<Regularizer> read(const Config::Value& value);
  static std::string expected() { return "the name of a regularizer, an object or null"; }
};
template <>
struct FieldValue<Constraint> {
  static Config::Value write(const Constraint& value);
  static std::optional<Constraint> read(const Config::Value& value);
  static std::string expected() { return "the name of a constraint, an object or null"; }
};
// A layer inside a layer; an empty handle is null.
template <>
struct FieldValue<Layer> {
  static Config::Value write(const Layer& value);
  static std::optional<Layer> read(const Config::Value& value);
  static std::string expected() { return "a layer"; }
};

template <class T>
struct FieldValue<std::optional<T>> {
  static Config::Value write(const std::optional<T>& value) {
    return value ? FieldValue<T>::write(*value) : Config::Value();
  }
  static std::optional<std::optional<T>> read(const Config::Value& value) {
    if (value.is_null()) return std::optional<std::optional<T>>(std::in_place);
    std::optional<T> inner = FieldValue<T>::read(value);
    return inner ? std::optional<std::optional<T>>(std::move(inner)) : std::nullopt;
  }
  static std::string expected() { return FieldValue<T>::expected() + " or null"; }
};

template <class T>
struct FieldValue<std::vector<T>> {
  static Config::Value write(const std::vector<T>& values) {
    std::vector<Config::Value> list;
    for (const T& value : values) list.push_back(FieldValue<T>::write(value));
    return list;
  }
  static std::optional<std::vector<T>> read(const Config::Value& value) {
    if (value.kind() != Config::Value::Kind::kList) return std::nullopt;
    std::vector<T> values;
    for (const Config::Value& item : value.list()) {
      std::optional<T> inner = FieldValue<T>::read(item);
      if (!inner) return std::nullopt;
      values.push_back(std::move(*inner));
    }
    return values;
  }
  static std::string expected() { return "a list, each item " + FieldValue<T>::expected(); }
};

template <class T, std::size_t N>
struct FieldValue<std::array<T, N>> {
  static Config::Value write(const std::array<T, N>& values) {
    return FieldValue<std::vector<T>>::write({values.begin(), values.end()});
  }
  static std::optional<std::array<T, N>> read(const Config::Value& value) {
    std::optional<std::vector<T>> list = FieldValue<std::vector<T>>::read(value);
    if (!list || list->size() != N) return std::nullopt;
    std::array<T, N> values{};
    std::copy(list->begin(), list->end(), values.begin());
    return values;
  }
  static std::string expected() { return "a list of " + std::to_string(N); }
};

// Written as a list; read from one too, or from one integer for every axis.
template <int N>
struct FieldValue<Ints<N>> {
  static Config::Value write(const Ints<N>& value) {
    std::vector<std::int64_t> list;
    for (int i = 0; i < N; ++i) list.push_back(value[i]);
    return list;
  }
  static std::optional<Ints<N>> read(const Config::Value& value) {
    if (std::optional<std::int64_t> every = FieldValue<std::int64_t>::read(value)) return Ints<N>(*every);
    std::optional<std::vector<std::int64_t>> list = FieldValue<std::vector<std::int64_t>>::read(value);
    if (!list || list->size() != N) return std::nullopt;
    return from_list(*list, std::make_index_sequence<N>());
  }
  static std::string expected() { return "an integer or a list of " + std::to_string(N); }

 private:
  template <std::size_t... I>
  static Ints<N> from_list(const std::vector<std::int64_t>& list, std::index_sequence<I...>) {
    return Ints<N>(list[I]...);
  }
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  template <class T>
  void field(std::string_view name, T& value) {
    visit(name, value, false);
  }
  // An option without a default: a file must have it.
  template <class T>
  void required(std::string_view name, T& value) {
    visit(name, value, true);
  }
  // Axes that Keras keeps as a list, a single one too; null for none.
  void axis_list(std::string_view name, Axes& value) {
    auto write = [&] { return value.list().empty() ? Config::Value() : Config::Value(value.list()); };
    auto read = [&](const Config::Value& from) {
      std::optional<Axes> result = FieldValue<Axes>::read(from);
      if (result) value = std::move(*result);
      return result.has_value();
    };
    visit_field({name, false, write, read, FieldValue<Axes>::expected});
  }
  // An option of Keras of which Mica knows one value only.
  virtual void fixed(std::string_view name, const Config::Value& value) = 0;

 protected:
  struct Field {
    std::string_view name;
    bool required;
    absl::FunctionRef<Config::Value()> write;
    absl::FunctionRef<bool(const Config::Value&)> read;  // false: of another kind
    absl::FunctionRef<std::string()> expected;
  };
  virtual void visit_field(const Field& field) = 0;

 private:
  template <class T>
  void visit(std::string_view name, T& value, bool required) {
    auto write = [&] { return FieldValue<T>::write(value); };
    auto read = [&](const Config::Value& from) {
      std::optional<T> result = FieldValue<T>::read(from);
      if (result) value = std::move(*result);
      return result.has_value();
    };
    visit_field({name, required, write, read, FieldValue<T>::expected});
  }
};

// Writes the options that it is led over into a Config.
class ConfigWriter final : public FieldVisitor {
 public:
  explicit ConfigWriter(Config& config) : config_(config) {}
  void fixed(std::string_view name, const Config::Value& value) override { config_.set(name, value); }

 private:
  void visit_field(const Field& field) override { config_.set(field.name, field.write()); }
  Config& config_;
};

// Sets the options that it is led over from a Config; those that the Config lacks keep their values. Errors name
// `layer` and the option. finish() refuses keys that nobody asked for, as Keras does.
class ConfigReader final : public FieldVisitor {
 public:
  ConfigReader(const Config& config, std::string_view layer) : config_(config), layer_(layer) {}
  void fixed(std::string_view name, const Config::Value& value) override;
  void finish() const;

 private:
  void visit_field(const Field& field) override;
  const Config::Value* find(std::string_view name);
  const Config& config_;
  std::string layer_;
  std::vector<std::string_view> seen_;
};

// Keras' form of an object: {"module", "class_name", "config", "registered_name"}.
Config::Value object_value(std::string_view module, std::string_view class_name, const Config& config);
// What a value says of an object: "relu6" or {"class_name": …, "config": …}. Nothing for other values.
std::optional<Described> described_by(const Config::Value& value);

}  // namespace mica::internal
