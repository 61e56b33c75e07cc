// Logs and History.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/value.h"
#include "frontend/mica/training.h"

namespace mica {
namespace {

template <class Items>
auto find_item(Items& items, std::string_view name) {
  return std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.first == name; });
}

template <class Items>
std::vector<std::string> keys_of(const Items& items) {
  std::vector<std::string> keys;
  for (const auto& item : items) keys.push_back(item.first);
  return keys;
}

template <class Items>
[[noreturn]] void throw_no_key(const char* where, const Items& items, std::string_view name) {
  throw Error({.where = where,
               .expected = absl::StrCat("one of ", absl::StrJoin(keys_of(items), ", ")),
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}

}  // namespace

double Logs::operator[](std::string_view name) const {
  auto it = find_item(items_, name);
  if (it == items_.end()) throw_no_key("Logs", items_, name);
  return it->second;
}
bool Logs::contains(std::string_view name) const { return find_item(items_, name) != items_.end(); }
std::vector<std::string> Logs::keys() const { return keys_of(items_); }
void Logs::set(std::string_view name, double value) {
  auto it = find_item(items_, name);
  if (it == items_.end()) {
    items_.emplace_back(std::string(name), value);
  } else {
    it->second = value;
  }
}

void Logs::set(std::string_view name, const Tensor& value) {
  if (internal::defined_node(value, name)->kind != internal::ValueKind::kTraced) return set(name, value.item());
  traced_.emplace_back(std::string(name), value);
}

const std::vector<double>& History::operator[](std::string_view name) const {
  auto it = find_item(items_, name);
  if (it == items_.end()) throw_no_key("History", items_, name);
  return it->second;
}
bool History::contains(std::string_view name) const { return find_item(items_, name) != items_.end(); }
std::vector<std::string> History::keys() const { return keys_of(items_); }
std::size_t History::epochs() const {
  std::size_t most = 0;
  for (const auto& item : items_) most = std::max(most, item.second.size());
  return most;
}
Config History::to_config() const {
  Config config;
  for (const auto& [name, values] : items_) config.set(name, values);
  return config;
}
History History::from_config(const Config& config) {
  History history;
  for (const auto& item : config.items())
    history.items_.emplace_back(item.first, config.get<std::vector<double>>(item.first));
  return history;
}
void History::add(const Logs& logs) {
  for (const auto& [name, value] : logs.items()) {
    auto it = find_item(items_, name);
    if (it == items_.end()) it = items_.insert(items_.end(), {name, {}});
    it->second.push_back(value);
  }
}

}  // namespace mica
