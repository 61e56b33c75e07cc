#include "compiler/graph/attrs.h"

#include <charconv>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

std::string double_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value).ptr;  // shortest text that reads back to the same bits
  std::string text(buffer, end);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& value) {
  std::string text = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text + "\"";
}

template <class T, class Text>
std::string list_text(const std::vector<T>& list, Text text) {
  std::string result = "[";
  for (std::size_t i = 0; i < list.size(); ++i) result += (i ? "," : "") + text(list[i]);
  return result + "]";
}

absl::Status bad(AttrKind kind, std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", to_string(kind), ", received ", std::string(text)));
}

absl::StatusOr<double> parse_double(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return bad(AttrKind::kDouble, text);
  return value;
}

absl::StatusOr<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return bad(AttrKind::kInt, text);
  return value;
}

absl::StatusOr<std::string> parse_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return bad(AttrKind::kString, text);
  std::string value;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i];
    } else {
      value += text[i];
    }
  }
  return value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Splits "[a,b]" at commas outside quotes.
absl::StatusOr<std::vector<std::string_view>> split_list(AttrKind kind, std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return bad(kind, text);
  text = trim(text.substr(1, text.size() - 2));
  std::vector<std::string_view> items;
  std::size_t start = 0;
  bool in_quotes = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"' && (i == 0 || text[i - 1] != '\\')) in_quotes = !in_quotes;
    if (i == text.size() || (text[i] == ',' && !in_quotes)) {
      if (i == text.size() && text.empty()) break;
      items.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  return items;
}

template <class T, class Parse>
absl::StatusOr<Attr> parse_list(AttrKind kind, std::string_view text, Parse parse) {
  auto items = split_list(kind, text);
  if (!items.ok()) return items.status();
  std::vector<T> values;
  for (std::string_view item : *items) {
    auto value = parse(item);
    if (!value.ok()) return value.status();
    values.push_back(*std::move(value));
  }
  return Attr(std::move(values));
}

}  // namespace

const char* to_string(AttrKind kind) {
  constexpr const char* kNames[] = {"a flag (true or false)",
                                    "an integer",
                                    "a number",
                                    "a quoted string",
                                    "a dtype",
                                    "a list of integers",
                                    "a list of numbers",
                                    "a list of quoted strings",
                                    "a list of dims"};
  return kNames[static_cast<int>(kind)];
}

std::string to_string(const Attr& attr) {
  switch (kind_of(attr)) {
    case AttrKind::kBool:
      return std::get<bool>(attr) ? "true" : "false";
    case AttrKind::kInt:
      return absl::StrCat(std::get<std::int64_t>(attr));
    case AttrKind::kDouble:
      return double_text(std::get<double>(attr));
    case AttrKind::kString:
      return quoted(std::get<std::string>(attr));
    case AttrKind::kDType:
      return std::get<DType>(attr).short_name();
    case AttrKind::kInts:
      return list_text(std::get<Ints>(attr), [](std::int64_t v) { return absl::StrCat(v); });
    case AttrKind::kDoubles:
      return list_text(std::get<Doubles>(attr), double_text);
    case AttrKind::kStrings:
      return list_text(std::get<Strings>(attr), quoted);
    case AttrKind::kDims:
      return to_string(std::get<Dims>(attr));
  }
  return {};
}

absl::StatusOr<Attr> parse_attr(AttrKind kind, std::string_view text) {
  text = trim(text);
  switch (kind) {
    case AttrKind::kBool:
      if (text != "true" && text != "false") return bad(kind, text);
      return Attr(text == "true");
    case AttrKind::kInt: {
      auto value = parse_int(text);
      return value.ok() ? absl::StatusOr<Attr>(Attr(*value)) : value.status();
    }
    case AttrKind::kDouble: {
      auto value = parse_double(text);
      return value.ok() ? absl::StatusOr<Attr>(Attr(*value)) : value.status();
    }
    case AttrKind::kString: {
      auto value = parse_string(text);
      return value.ok() ? absl::StatusOr<Attr>(Attr(*value)) : value.status();
    }
    case AttrKind::kDType: {
      DType dtype = kFloat32;
      return DType::parse(text, &dtype) ? absl::StatusOr<Attr>(Attr(dtype)) : bad(kind, text);
    }
    case AttrKind::kInts:
      return parse_list<std::int64_t>(kind, text, parse_int);
    case AttrKind::kDoubles:
      return parse_list<double>(kind, text, parse_double);
    case AttrKind::kStrings:
      return parse_list<std::string>(kind, text, parse_string);
    case AttrKind::kDims: {
      auto value = parse_dims(text);
      return value.ok() ? absl::StatusOr<Attr>(Attr(*std::move(value))) : value.status();
    }
  }
  return bad(kind, text);
}

const Attr* Attrs::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Attrs::set(std::string_view name, Attr value) {
  for (auto& [key, old] : items_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  items_.emplace_back(std::string(name), std::move(value));
}

void Attrs::erase(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
}

const Attr& Attrs::require(std::string_view name) const {
  const Attr* attr = find(name);
  MICA_CHECK(attr) << "no attribute \"" << name << "\"";
  return *attr;
}

namespace internal {
void wrong_attr_kind(std::string_view name, const Attr& attr) {
  throw InternalError(absl::StrCat("attribute \"", std::string(name), "\" is ", to_string(kind_of(attr))));
}
}  // namespace internal

}  // namespace mica::ir
