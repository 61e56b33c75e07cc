#include "frontend/training/callbacks/file_name.h"

#include <cstdio>
#include <regex>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"

namespace mica::internal {
namespace {

constexpr const char* kWhere = "ModelCheckpoint";

std::string number_text(const std::string& form, double value, bool is_integer) {
  if (form.empty() && is_integer) return absl::StrCat(static_cast<std::int64_t>(value));
  if (form.empty()) return Config::Value(value).to_json();
  static const std::regex kForm("0?[0-9]{0,2}(\\.[0-9]{1,2})?[dfeg]");
  const bool wants_integer = form.back() == 'd';
  if (!std::regex_match(form, kForm) || (wants_integer && !is_integer)) {
    throw Error({.where = kWhere,
                 .expected = "numbers in a file's name as {epoch:02d} or {loss:.2f}",
                 .received = absl::StrCat("{:", form, "}"),
                 .hint = {}});
  }
  char text[64];
  const std::string digits = absl::StrCat("%", form.substr(0, form.size() - 1));
  if (wants_integer) {
    std::snprintf(text, sizeof text, absl::StrCat(digits, "lld").c_str(), static_cast<long long>(value));
  } else {
    std::snprintf(text, sizeof text, absl::StrCat(digits, std::string(1, form.back())).c_str(), value);
  }
  return text;
}

std::string field_text(const std::string& field, int epoch, int batch, const Logs& logs) {
  const std::size_t colon = field.find(':');
  const std::string name = field.substr(0, colon), form = colon == std::string::npos ? "" : field.substr(colon + 1);
  if (name == "epoch") return number_text(form, epoch, true);
  if (name == "batch") return number_text(form, batch, true);
  if (logs.contains(name)) return number_text(form, logs[name], false);
  throw Error({.where = kWhere,
               .expected = absl::StrCat("names in a file's name to be epoch, batch, ", join(logs.keys())),
               .received = absl::StrCat("{", field, "}"),
               .hint = {}});
}

}  // namespace

std::string formatted_name(const std::string& pattern, int epoch, int batch, const Logs& logs) {
  std::string name;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = pattern.find('{', at);
    name += pattern.substr(at, open - at);
    if (open == std::string::npos) break;
    const std::size_t close = pattern.find('}', open);
    if (close == std::string::npos) {
      throw Error({.where = kWhere, .expected = "a } for every { in a file's name", .received = pattern, .hint = {}});
    }
    name += field_text(pattern.substr(open + 1, close - open - 1), epoch, batch, logs);
    at = close + 1;
  }
  return name;
}

}  // namespace mica::internal
