// EarlyStopping.
#include <cstdio>

#include "frontend/training/callbacks/monitor.h"

namespace mica {
namespace {

class EarlyStoppingImpl : public CustomCallback {
 public:
  explicit EarlyStoppingImpl(EarlyStoppingOptions options)
      : o_(std::move(options)), monitor_("EarlyStopping", o_.monitor, o_.mode, o_.min_delta) {}

  int stopped_epoch() const { return stopped_epoch_; }

  void on_train_begin() override {
    wait_ = stopped_epoch_ = best_epoch_ = 0;
    best_.reset();
    best_weights_.reset();
  }

  void on_epoch_end(int epoch, Logs& logs) override {
    std::optional<double> current = monitor_.value(logs);
    if (!current || epoch < o_.start_from_epoch) return;
    if (!best_weights_) remember_weights(epoch);  // NaN in the first epoch improves on nothing
    ++wait_;
    if (monitor_.is_improvement(model(), *current, best_)) {
      best_ = *current;
      remember_weights(epoch);
      if (!o_.baseline || monitor_.is_improvement(model(), *current, o_.baseline)) wait_ = 0;
    } else if (wait_ >= o_.patience && epoch > 0) {
      stopped_epoch_ = epoch;
      model().set_stop_training(true);
    }
  }

  void on_train_end() override {
    if (stopped_epoch_ > 0 && o_.verbose > 0) std::printf("Epoch %d: early stopping\n", stopped_epoch_ + 1);
    if (!o_.restore_best_weights || !best_weights_) return;
    if (o_.verbose > 0) std::printf("Restoring the weights of the best epoch: %d\n", best_epoch_ + 1);
    model().set_weights(*best_weights_);
  }

  CallbackState state() const override {
    CallbackState state{.values = {{"wait", wait_}, {"best_epoch", best_epoch_}}};
    if (best_) state.values.set("best", *best_);
    if (!best_weights_) return state;
    for (std::size_t i = 0; i < best_weights_->size(); ++i) state.tensors.set(std::to_string(i), (*best_weights_)[i]);
    return state;
  }

  void restore(const CallbackState& state) override {
    wait_ = state.values.get<int>("wait");
    best_epoch_ = state.values.get<int>("best_epoch");
    if (state.values.contains("best")) best_ = state.values.get<double>("best");
    if (state.tensors.size() == 0) return;
    best_weights_.emplace();
    for (const auto& [name, weight] : state.tensors) best_weights_->push_back(weight);
  }

 private:
  void remember_weights(int epoch) {
    best_epoch_ = epoch;
    if (o_.restore_best_weights) best_weights_ = model().get_weights();
  }

  EarlyStoppingOptions o_;
  internal::Monitor monitor_;
  int wait_ = 0, stopped_epoch_ = 0, best_epoch_ = 0;
  std::optional<double> best_;
  std::optional<Tensors> best_weights_;
};

}  // namespace

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : Callback(std::make_shared<EarlyStoppingImpl>(std::move(options))) {}
int EarlyStopping::stopped_epoch() const { return static_cast<EarlyStoppingImpl&>(impl()).stopped_epoch(); }

}  // namespace mica
