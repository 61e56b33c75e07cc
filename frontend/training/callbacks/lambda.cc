// LambdaCallback, TerminateOnNaN and ProgbarLogger.
#include <cmath>
#include <cstdio>

#include "frontend/mica/model.h"

namespace mica {
namespace {

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

class TerminateOnNaNImpl : public CustomCallback {
 public:
  void on_train_batch_end(int batch, const Logs& logs) override {
    if (!logs.contains("loss") || std::isfinite(logs["loss"])) return;
    std::printf("Batch %d: the loss is %g, training ends\n", batch, logs["loss"]);
    model().set_stop_training(true);
  }
};

}  // namespace

LambdaCallback::LambdaCallback(LambdaCallbackOptions options)
    : Callback(std::make_shared<LambdaCallbackImpl>(std::move(options))) {}
// fit() draws the bar, so that numbers are read for it only when it is due.
ProgbarLogger::ProgbarLogger() : Callback(std::make_shared<CustomCallback>()) {}
TerminateOnNaN::TerminateOnNaN() : Callback(std::make_shared<TerminateOnNaNImpl>()) {}

}  // namespace mica
