#include "frontend/graph/naming.h"

#include <cxxabi.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "absl/strings/str_cat.h"

namespace mica::internal {
namespace {

struct Counters {
  std::mutex mutex;
  std::map<std::string, int, std::less<>> next;
};

Counters& counters() {
  static auto* all = new Counters();  // used until the last handle of the process is gone
  return *all;
}

thread_local int pauses = 0;

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool is_lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string class_name_of(const std::type_info& type) {
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr), std::free);
  std::string name = text ? text.get() : type.name();
  name = name.substr(0, name.find('<'));  // of a template
  const std::size_t colon = name.rfind("::");
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

std::string snake_case(std::string_view name) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    bool starts_word =
        i > 0 && is_upper(name[i]) && (is_lower(name[i - 1]) || (i + 1 < name.size() && is_lower(name[i + 1])));
    if (starts_word && result.back() != '_') result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return result;
}

std::string camel_case(std::string_view name) {
  std::string camel;
  bool upper = true;
  for (char c : name) {
    if (c != '_') camel += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '_';
  }
  return camel;
}

std::string unique_name(std::string_view base) {
  if (pauses > 0) return std::string(base);
  Counters& all = counters();
  std::lock_guard lock(all.mutex);
  int count = all.next[std::string(base)]++;
  return count == 0 ? std::string(base) : absl::StrCat(std::string(base), "_", count);
}

NamingPause::NamingPause() { ++pauses; }
NamingPause::~NamingPause() { --pauses; }

void reset_names() {
  Counters& all = counters();
  std::lock_guard lock(all.mutex);
  all.next.clear();
}

}  // namespace mica::internal
