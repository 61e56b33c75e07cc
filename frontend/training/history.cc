// Logs, History, LambdaCallback.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

class LambdaCallbackImpl : public CustomCallback {
 public:
  explicit LambdaCallbackImpl(LambdaCallbackOptions functions) : f_(std::move(functions)) {}
  void on_train_begin() override {
    if (f_.on_train_begin) f_.on_train_begin();
  }
  void on_train_end() override {
    if (f_.on_train_end) f_.on_train_end();
  }
  void on_epoch_begin(int epoch) override {
    if (f_.on_epoch_begin) f_.on_epoch_begin(epoch);
  }
  void on_epoch_end(int epoch, Logs& logs) override {
    if (f_.on_epoch_end) f_.on_epoch_end(epoch, logs);
  }
  void on_train_batch_begin(int batch) override {
    if (f_.on_train_batch_begin) f_.on_train_batch_begin(batch);
  }
  void on_train_batch_end(int batch, const Logs& logs) override {
    if (f_.on_train_batch_end) f_.on_train_batch_end(batch, logs);
  }

 private:
  LambdaCallbackOptions f_;
};

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
void History::add(const Logs& logs) {
  for (const auto& [name, value] : logs.items()) {
    auto it = find_item(items_, name);
    if (it == items_.end()) it = items_.insert(items_.end(), {name, {}});
    it->second.push_back(value);
  }
}

namespace callbacks {
LambdaCallback::LambdaCallback(LambdaCallbackOptions options)
    : Callback(std::make_shared<LambdaCallbackImpl>(std::move(options))) {}
}  // namespace callbacks

}  // namespace mica
