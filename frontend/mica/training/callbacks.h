// What fit() reports: numbers by name, callbacks, histories.
#pragma once
#include "mica/layer.h"

namespace mica {

// Names to numbers, in order of insertion.
class Logs {
 public:
  double operator[](std::string_view name) const;  // throws with the list of names
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  void set(std::string_view name, double value);
  const std::vector<std::pair<std::string, double>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, double>> items_;
};

class Model;
// Derive, then create with make<T>(…).
class CustomCallback {
 public:
  virtual ~CustomCallback() = default;
  virtual void on_train_begin() {}
  virtual void on_train_end() {}
  virtual void on_epoch_begin(int /*epoch*/) {}
  virtual void on_epoch_end(int /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(int /*batch*/) {}
  virtual void on_train_batch_end(int /*batch*/, const Logs& /*logs*/) {}
};
class Callback {
 public:
  explicit Callback(std::shared_ptr<CustomCallback> impl) : impl_(std::move(impl)) {}
  CustomCallback& impl() const { return *impl_; }

 private:
  std::shared_ptr<CustomCallback> impl_;
};
inline namespace callbacks {
struct LambdaCallbackOptions {
  std::function<void(int epoch)> on_epoch_begin = {};
  std::function<void(int epoch, Logs& logs)> on_epoch_end = {};
  std::function<void()> on_train_begin = {}, on_train_end = {};
  std::function<void(int batch)> on_train_batch_begin = {};
  std::function<void(int batch, const Logs& logs)> on_train_batch_end = {};
};
class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions options);
};
}  // namespace callbacks

// One list of numbers a name, one number an epoch: "loss", "val_accuracy", "department_loss".
class History {
 public:
  const std::vector<double>& operator[](std::string_view name) const;  // throws with the names
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  std::size_t epochs() const;
  void add(const Logs& logs);  // one epoch

 private:
  std::vector<std::pair<std::string, std::vector<double>>> items_;
};

}  // namespace mica
