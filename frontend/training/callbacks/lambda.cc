// LambdaCallback and ProgbarLogger.
#include "frontend/mica/model.h"

namespace mica {
namespace {

class LambdaCallbackImpl : public CustomCallback {
 public:
  explicit LambdaCallbackImpl(LambdaCallbackOptions functions) : f_(std::move(functions)) {}
  void on_train_begin() override { call(f_.on_train_begin); }
  void on_train_end() override { call(f_.on_train_end); }
  void on_epoch_begin(int epoch) override { call(f_.on_epoch_begin, epoch); }
  void on_epoch_end(int epoch, Logs& logs) override { call(f_.on_epoch_end, epoch, logs); }
  void on_train_batch_begin(int batch) override { call(f_.on_train_batch_begin, batch); }
  void on_train_batch_end(int batch, const Logs& logs) override { call(f_.on_train_batch_end, batch, logs); }
  void on_test_begin() override { call(f_.on_test_begin); }
  void on_test_end(const Logs& logs) override { call(f_.on_test_end, logs); }
  void on_test_batch_begin(int batch) override { call(f_.on_test_batch_begin, batch); }
  void on_test_batch_end(int batch, const Logs& logs) override { call(f_.on_test_batch_end, batch, logs); }
  void on_predict_begin() override { call(f_.on_predict_begin); }
  void on_predict_end() override { call(f_.on_predict_end); }
  void on_predict_batch_begin(int batch) override { call(f_.on_predict_batch_begin, batch); }
  void on_predict_batch_end(int batch) override { call(f_.on_predict_batch_end, batch); }

 private:
  template <class Function, class... Args>
  static void call(const Function& function, Args&&... args) {
    if (function) function(args...);
  }

  LambdaCallbackOptions f_;
};

}  // namespace

LambdaCallback::LambdaCallback(LambdaCallbackOptions options)
    : Callback(std::make_shared<LambdaCallbackImpl>(std::move(options))) {}
// fit() draws the bar, so that numbers are read for it only when it is due.
ProgbarLogger::ProgbarLogger() : Callback(std::make_shared<CustomCallback>()) {}

}  // namespace mica
