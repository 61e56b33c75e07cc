// Config: the JSON-like object of config() and from_config().
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/mica/layer.h"

namespace mica {

Config::Value::Value(std::vector<std::int64_t> list) : kind_(Kind::kList), list_(list.begin(), list.end()) {}
Config::Value::Value(std::vector<double> list) : kind_(Kind::kList), list_(list.begin(), list.end()) {}
Config::Value::Value(const Shape& shape) : kind_(Kind::kList) {
  for (std::int64_t dim : shape) list_.push_back(dim == kAny ? Value() : Value(dim));
}
Config::Value::Value(const Config& object) : kind_(Kind::kObject), object_(std::make_shared<const Config>(object)) {}

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      absl::StrAppend(&out, "\\u00", std::string(1, kHex[c >> 4]), std::string(1, kHex[c & 15]));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Enough digits to read the same double again, and a mark that it is no integer.
std::string real_text(double number) {
  if (!std::isfinite(number)) return std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  char buffer[40];
  for (int digits = 6; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, number);
    if (std::strtod(buffer, nullptr) == number) break;
  }
  std::string text = buffer;
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

[[noreturn]] void throw_kind(std::string_view key, std::string_view expected, const Config::Value& value) {
  throw Error({.where = "config",
               .expected = absl::StrCat("\"", std::string(key), "\" to be ", std::string(expected)),
               .received = value.to_json(),
               .hint = {}});
}

}  // namespace

std::string Config::Value::to_json() const {
  switch (kind_) {
    case Kind::kNull:
      return "null";
    case Kind::kTruth:
      return number_ != 0 ? "true" : "false";
    case Kind::kInteger:
      return absl::StrCat(integer_);
    case Kind::kReal:
      return real_text(number_);
    case Kind::kText:
      return quoted(text_);
    case Kind::kObject:
      return object_->to_json();
    case Kind::kList:
      break;
  }
  std::string text = "[";
  for (const Value& item : list_) absl::StrAppend(&text, text.size() > 1 ? "," : "", item.to_json());
  return text + "]";
}

Config::Config() = default;
Config::Config(std::initializer_list<std::pair<std::string, Value>> items) : items_(items) {}
Config::Config(std::vector<std::pair<std::string, Value>> items) : items_(std::move(items)) {}

bool Config::contains(std::string_view key) const {
  for (const auto& [name, value] : items_) {
    if (name == key) return true;
  }
  return false;
}

const Config::Value& Config::at(std::string_view key) const {
  std::string names;
  for (const auto& [name, value] : items_) {
    if (name == key) return value;
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  throw Error({.where = "config",
               .expected = absl::StrCat("one of the keys ", names),
               .received = absl::StrCat("\"", std::string(key), "\""),
               .hint = {}});
}

void Config::set(std::string_view key, Value value) {
  for (auto& [name, present] : items_) {
    if (name != key) continue;
    present = std::move(value);
    return;
  }
  items_.emplace_back(key, std::move(value));
}

std::string Config::to_json() const {
  std::string text = "{";
  for (const auto& [name, value] : items_) {
    absl::StrAppend(&text, text.size() > 1 ? "," : "", quoted(name), ":", value.to_json());
  }
  return text + "}";
}

template <>
double Config::get<double>(std::string_view key) const {
  const Value& value = at(key);
  if (!value.is_number()) throw_kind(key, "a number", value);
  return value.number();
}
template <>
std::int64_t Config::get<std::int64_t>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() == Value::Kind::kInteger || value.kind() == Value::Kind::kTruth) return value.integer();
  constexpr double kLimit = 9223372036854774784.0;  // the largest double below 2^63
  bool fits = value.kind() == Value::Kind::kReal && value.number() >= -kLimit && value.number() <= kLimit;
  if (!fits) throw_kind(key, "an integer", value);
  return static_cast<std::int64_t>(value.number());
}
template <>
std::string Config::get<std::string>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() != Value::Kind::kText) throw_kind(key, "a string", value);
  return value.text();
}
template <>
Config Config::get<Config>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() != Value::Kind::kObject) throw_kind(key, "an object", value);
  return value.object();
}
template <>
std::vector<double> Config::get<std::vector<double>>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() != Value::Kind::kList) throw_kind(key, "a list", value);
  std::vector<double> numbers;
  for (const Value& item : value.list()) {
    if (!item.is_number()) throw_kind(key, "a list of numbers", value);
    numbers.push_back(item.number());
  }
  return numbers;
}
template <>
std::vector<std::int64_t> Config::get<std::vector<std::int64_t>>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() != Value::Kind::kList) throw_kind(key, "a list", value);
  std::vector<std::int64_t> integers;
  for (const Value& item : value.list()) {
    if (item.kind() != Value::Kind::kInteger) throw_kind(key, "a list of integers", value);
    integers.push_back(item.integer());
  }
  return integers;
}
template <>
Shape Config::get<Shape>(std::string_view key) const {
  const Value& value = at(key);
  if (value.kind() != Value::Kind::kList) throw_kind(key, "a shape", value);
  std::vector<std::int64_t> dims;
  for (const Value& item : value.list()) dims.push_back(item.kind() == Value::Kind::kInteger ? item.integer() : kAny);
  return Shape(std::move(dims));
}

}  // namespace mica
