// TerminateOnNaN.
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "frontend/mica/model.h"
#include "frontend/training/session.h"

namespace mica {
namespace {

class TerminateOnNaNImpl : public CustomCallback {
 public:
  explicit TerminateOnNaNImpl(TerminateOnNaNOptions options) : o_(options) {}

  void on_train_begin() override {
    if (o_.gradients) internal::fit_session(model(), "TerminateOnNaN").request_gradient_check();
  }
  // fit() throws by itself where nobody ends the training.
  void on_train_batch_end(int batch, const Logs& logs) override {
    if (o_.raise_error || !logs.contains("loss") || std::isfinite(logs["loss"])) return;
    std::printf("Batch %d: the loss is %g, training ends\n", batch, logs["loss"]);
    model().set_stop_training(true);
  }

 private:
  TerminateOnNaNOptions o_;
};

}  // namespace

TerminateOnNaN::TerminateOnNaN(TerminateOnNaNOptions options)
    : Callback(std::make_shared<TerminateOnNaNImpl>(options)) {}

}  // namespace mica
