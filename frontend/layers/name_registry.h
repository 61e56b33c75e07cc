// What users register by name, on any thread: functions that configurations name.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace mica::internal {

template <class Value>
class NameRegistry {
 public:
  // The last one registered under a name counts.
  void set(std::string_view name, Value value) {
    std::lock_guard lock(mutex_);
    by_name_.insert_or_assign(std::string(name), std::move(value));
  }
  // An empty value where there is none.
  Value find(std::string_view name) const {
    std::lock_guard lock(mutex_);
    auto it = by_name_.find(name);
    return it == by_name_.end() ? Value() : it->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Value, std::less<>> by_name_;
};

}  // namespace mica::internal
