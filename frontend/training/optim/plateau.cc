#include "frontend/training/optim/plateau.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace mica {
namespace internal {

using optim::lr_scheduler::PlateauOptions;

PlateauScheduler::PlateauScheduler(Optimizer optimizer, PlateauOptions o)
    : optimizer_(std::move(optimizer)),
      o_(std::move(o)),
      best_(o_.mode == "min" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity()) {
  auto refuse = [](std::string expected, std::string received) {
    throw Error({.where = "lr_scheduler::ReduceLROnPlateau",
                 .expected = std::move(expected),
                 .received = std::move(received),
                 .hint = {}});
  };
  if (o_.factor >= 1) refuse("factor below 1", absl::StrCat(o_.factor));
  if (o_.mode != "min" && o_.mode != "max") refuse("mode \"min\" or \"max\"", o_.mode);
  if (o_.threshold_mode != "rel" && o_.threshold_mode != "abs") {
    refuse("threshold_mode \"rel\" or \"abs\"", o_.threshold_mode);
  }
}

bool PlateauScheduler::is_better(double metric) const {
  bool relative = o_.threshold_mode == "rel";
  double margin = relative ? (o_.mode == "min" ? 1 - o_.threshold : 1 + o_.threshold) : o_.threshold;
  if (o_.mode == "min") return metric < (relative ? best_ * margin : best_ - margin);
  return metric > (relative ? best_ * margin : best_ + margin);
}

void PlateauScheduler::exchange(ScheduleState& state) {
  std::vector<ParameterGroup>& groups = optimizer_.parameter_optimizer().groups();
  state.number("factor", o_.factor);
  state.shared("min_lrs", o_.min_lr, groups.size());
  state.number("patience", o_.patience);
  state.number("cooldown", o_.cooldown);
  state.number("eps", o_.eps);
  state.number("threshold", o_.threshold);
  state.number("best", best_);
  state.number("cooldown_counter", cooling_);
  state.number("num_bad_epochs", bad_epochs_);
  state.number("last_epoch", epoch_);
  state.saved_only("_last_lr", rates_of(groups));
}

void PlateauScheduler::step(double metric) {
  ++epoch_;
  if (is_better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= o_.patience) return;
  for (ParameterGroup& group : optimizer_.parameter_optimizer().groups()) {
    double reduced = std::max(group.lr * o_.factor, o_.min_lr);
    if (group.lr - reduced > o_.eps) group.lr = reduced;
  }
  cooling_ = o_.cooldown;
  bad_epochs_ = 0;
}

}  // namespace internal

namespace optim::lr_scheduler {

ReduceLROnPlateau::ReduceLROnPlateau(const Optimizer& optimizer, PlateauOptions o)
    : impl_(std::make_shared<internal::PlateauScheduler>(optimizer, std::move(o))) {}
void ReduceLROnPlateau::step(double metric) const { impl_->step(metric); }
double ReduceLROnPlateau::get_last_lr() const { return impl_->last_lr(); }
TensorDict ReduceLROnPlateau::state_dict() const { return internal::saved_schedule(*impl_); }
void ReduceLROnPlateau::load_state_dict(const TensorDict& state) const { internal::load_schedule(*impl_, state); }

}  // namespace optim::lr_scheduler
}  // namespace mica
