// ReduceLROnPlateau and LearningRateScheduler: callbacks that set the optimizer's rate.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "frontend/training/callbacks/monitor.h"

namespace mica {
namespace {

constexpr const char* kLearningRate = "learning_rate";  // in the logs

// As a float variable holds it.
double stored(double rate) { return static_cast<double>(static_cast<float>(rate)); }

class ReduceLROnPlateauImpl : public CustomCallback {
 public:
  explicit ReduceLROnPlateauImpl(ReduceLROnPlateauOptions options)
      : o_(std::move(options)), monitor_("ReduceLROnPlateau", o_.monitor, o_.mode, o_.min_delta) {
    if (o_.factor < 1) return;
    throw Error(
        {.where = "ReduceLROnPlateau", .expected = "factor below 1", .received = absl::StrCat(o_.factor), .hint = {}});
  }

  void on_train_begin() override {
    best_.reset();
    wait_ = cooldown_ = 0;
  }

  void on_epoch_end(int epoch, Logs& logs) override {
    logs.set(kLearningRate, stored(model().optimizer().lr()));
    std::optional<double> current = monitor_.value(logs);
    if (!current) return;
    if (cooldown_ > 0) {
      --cooldown_;
      wait_ = 0;
    }
    if (monitor_.is_improvement(model(), *current, best_)) {
      best_ = *current;
      wait_ = 0;
    } else if (cooldown_ == 0 && ++wait_ >= o_.patience) {
      reduce(epoch);
    }
  }

  CallbackState state() const override {
    CallbackState state{.values = {{"wait", wait_}, {"cooldown", cooldown_}}};
    if (best_) state.values.set("best", *best_);
    return state;
  }

  void restore(const CallbackState& state) override {
    wait_ = state.values.get<int>("wait");
    cooldown_ = state.values.get<int>("cooldown");
    if (state.values.contains("best")) best_ = state.values.get<double>("best");
  }

 private:
  void reduce(int epoch) {
    const double rate = stored(model().optimizer().lr());
    if (rate <= stored(o_.min_lr)) return;
    const double reduced = std::max(rate * o_.factor, o_.min_lr);
    model().optimizer().set_lr(reduced);
    if (o_.verbose > 0) std::printf("Epoch %d: ReduceLROnPlateau sets the rate to %g\n", epoch + 1, reduced);
    cooldown_ = o_.cooldown;
    wait_ = 0;
  }

  ReduceLROnPlateauOptions o_;
  internal::Monitor monitor_;
  std::optional<double> best_;
  int wait_ = 0, cooldown_ = 0;
};

class LearningRateSchedulerImpl : public CustomCallback {
 public:
  LearningRateSchedulerImpl(std::function<double(int, double)> schedule, int verbose)
      : schedule_(std::move(schedule)), verbose_(verbose) {}
  void on_epoch_begin(int epoch) override {
    const Optimizer optimizer = model().optimizer();
    const double rate = schedule_(epoch, stored(optimizer.lr()));
    optimizer.set_lr(rate);
    if (verbose_ > 0) std::printf("Epoch %d: LearningRateScheduler sets the rate to %g\n", epoch + 1, rate);
  }
  void on_epoch_end(int, Logs& logs) override { logs.set(kLearningRate, stored(model().optimizer().lr())); }

 private:
  std::function<double(int, double)> schedule_;
  int verbose_;
};

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options)
    : Callback(std::make_shared<ReduceLROnPlateauImpl>(std::move(options))) {}
LearningRateScheduler::LearningRateScheduler(std::function<double(int, double)> schedule, int verbose)
    : Callback(std::make_shared<LearningRateSchedulerImpl>(std::move(schedule), verbose)) {}

}  // namespace mica
