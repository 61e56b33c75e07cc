// OneCycleLR and CyclicLR, which move the momentum against the rate.
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "frontend/training/optim/scheduler.h"

namespace mica {
namespace internal {
namespace {

using namespace optim::lr_scheduler;

double number(std::int64_t value) { return static_cast<double>(value); }

// Rates and momenta go from the one end to the other until step `end`.
struct Phase {
  double end, from_lr, to_lr, from_momentum, to_momentum;
};

class OneCycleScheduler : public RateScheduler {
 public:
  OneCycleScheduler(Optimizer optimizer, double max_lr, OneCycleOptions o)
      : RateScheduler(std::move(optimizer)), o_(std::move(o)) {
    if (o_.total_steps < 1) refuse("OneCycleLR", "total_steps of at least 1", absl::StrCat(o_.total_steps));
    if (o_.pct_start < 0 || o_.pct_start > 1) {
      refuse("OneCycleLR", "pct_start between 0 and 1", absl::StrCat(o_.pct_start));
    }
    if (o_.anneal_strategy != "cos" && o_.anneal_strategy != "linear") {
      refuse("OneCycleLR", "anneal_strategy \"cos\" or \"linear\"", o_.anneal_strategy);
    }
    if (o_.cycle_momentum && !this->optimizer().parameter_optimizer().has_momentum()) {
      refuse("OneCycleLR", "an optimizer with momentum or betas", "one without; cycle_momentum = false");
    }
    const double initial = max_lr / o_.div_factor, least = initial / o_.final_div_factor,
                 steps = number(o_.total_steps);
    const double low = o_.base_momentum, high = o_.max_momentum;
    phases_ = {{o_.pct_start * steps - 1, initial, max_lr, high, low}};
    if (o_.three_phase) {
      phases_.push_back({2 * o_.pct_start * steps - 2, max_lr, initial, low, high});
      phases_.push_back({steps - 1, initial, least, high, high});
    } else {
      phases_.push_back({steps - 1, max_lr, least, low, high});
    }
    for (ParameterGroup& group : groups()) group.initial_lr = initial;
    start();
  }

  void step() override {
    if (epoch() + 1 > o_.total_steps) {
      refuse("OneCycleLR", absl::StrCat("at most total_steps = ", o_.total_steps, " steps"), "one more");
    }
    RateScheduler::step();
  }

 protected:
  double rate(const ParameterGroup&, std::int64_t epoch) override { return at(epoch, &Phase::from_lr, &Phase::to_lr); }
  void set(ParameterGroup& group, std::int64_t epoch) override {
    RateScheduler::set(group, epoch);
    if (o_.cycle_momentum) group.momentum = at(epoch, &Phase::from_momentum, &Phase::to_momentum);
  }
  void exchange_options(ScheduleState& state) override {
    state.number("total_steps", o_.total_steps);
    for (std::size_t i = 0; i < phases_.size(); ++i) {
      ScheduleState part = state.below(absl::StrCat("_schedule_phases.", i));
      part.number("end_step", phases_[i].end);
      part.number("start_lr", phases_[i].from_lr);
      part.number("end_lr", phases_[i].to_lr);
      part.number("start_momentum", phases_[i].from_momentum);
      part.number("end_momentum", phases_[i].to_momentum);
    }
  }

 private:
  double at(std::int64_t step, double Phase::* from, double Phase::* to) const {
    double begin = 0;
    std::size_t i = 0;
    for (; i + 1 < phases_.size() && number(step) > phases_[i].end; ++i) begin = phases_[i].end;
    const Phase& phase = phases_[i];
    const double share = (number(step) - begin) / (phase.end - begin);
    if (o_.anneal_strategy == "linear") return (phase.*to - phase.*from) * share + phase.*from;
    return phase.*to + (phase.*from - phase.*to) / 2 * (1 + std::cos(std::numbers::pi * share));
  }

  OneCycleOptions o_;
  std::vector<Phase> phases_;
};

class CyclicScheduler : public RateScheduler {
 public:
  CyclicScheduler(Optimizer optimizer, double base_lr, double max_lr, CyclicOptions o)
      : RateScheduler(std::move(optimizer)), o_(std::move(o)), max_lr_(max_lr) {
    const double up = number(o_.step_size_up), down = number(o_.step_size_down.value_or(o_.step_size_up));
    length_ = up + down;
    turn_ = up / length_;
    if (o_.mode != "triangular" && o_.mode != "triangular2" && o_.mode != "exp_range") {
      refuse("CyclicLR", "mode \"triangular\", \"triangular2\" or \"exp_range\"", o_.mode);
    }
    if (o_.cycle_momentum && !this->optimizer().parameter_optimizer().has_momentum()) {
      refuse("CyclicLR", "an optimizer with momentum or betas", "one without; cycle_momentum = false");
    }
    for (ParameterGroup& group : groups()) group.initial_lr = base_lr;
    start();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t epoch) override {
    return *group.initial_lr + (max_lr_ - *group.initial_lr) * height(epoch);
  }
  void set(ParameterGroup& group, std::int64_t epoch) override {
    RateScheduler::set(group, epoch);
    if (!o_.cycle_momentum) return;
    group.momentum = o_.max_momentum - (o_.max_momentum - o_.base_momentum) * height(epoch);
  }
  void exchange_options(ScheduleState& state) override {
    state.shared("max_lrs", max_lr_, groups().size());
    state.number("total_size", length_);
    state.number("step_ratio", turn_);
    state.number("gamma", o_.gamma);
    if (!o_.cycle_momentum) return;
    state.shared("base_momentums", o_.base_momentum, groups().size());
    state.shared("max_momentums", o_.max_momentum, groups().size());
  }

 private:
  // 0 at the ends of a cycle, up to 1 where the ways up and down meet.
  double height(std::int64_t step) const {
    const double cycle = std::floor(1 + number(step) / length_), x = 1 + number(step) / length_ - cycle;
    const double scale = x <= turn_ ? x / turn_ : (x - 1) / (turn_ - 1);
    if (o_.mode == "triangular2") return scale / std::pow(2, cycle - 1);
    return o_.mode == "exp_range" ? scale * std::pow(o_.gamma, number(step)) : scale;
  }

  CyclicOptions o_;
  double max_lr_, length_ = 0, turn_ = 0;  // of a cycle, and the part of it where the rate turns
};

}  // namespace
}  // namespace internal

namespace optim::lr_scheduler {
OneCycleLR::OneCycleLR(const Optimizer& optimizer, double max_lr, OneCycleOptions o)
    : LRScheduler(std::make_shared<internal::OneCycleScheduler>(optimizer, max_lr, std::move(o))) {}
CyclicLR::CyclicLR(const Optimizer& optimizer, double base_lr, double max_lr, CyclicOptions o)
    : LRScheduler(std::make_shared<internal::CyclicScheduler>(optimizer, base_lr, max_lr, std::move(o))) {}
}  // namespace optim::lr_scheduler
}  // namespace mica
