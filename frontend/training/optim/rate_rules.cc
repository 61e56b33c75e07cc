// Schedulers whose rate follows from a formula: the rule of each, with its options under PyTorch's names.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "frontend/mica/swa_utils.h"
#include "frontend/training/optim/scheduler.h"

namespace mica {
namespace internal {
namespace {

constexpr double kPi = std::numbers::pi;
double number(std::int64_t value) { return static_cast<double>(value); }

struct StepRule {
  std::int64_t step_size;
  double gamma;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    return epoch == 0 || epoch % step_size != 0 ? group.lr : group.lr * gamma;
  }
  void exchange(ScheduleState& state) {
    state.number("step_size", step_size);
    state.number("gamma", gamma);
  }
};

struct MultiStepRule {
  std::vector<std::int64_t> milestones;
  double gamma;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    return group.lr * std::pow(gamma, number(std::count(milestones.begin(), milestones.end(), epoch)));
  }
  void exchange(ScheduleState& state) {
    state.numbers("milestones", milestones);
    state.number("gamma", gamma);
  }
};

struct ConstantRule {
  double factor;
  std::int64_t total_iters;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    if (epoch == 0) return group.lr * factor;
    return epoch == total_iters ? group.lr / factor : group.lr;
  }
  void exchange(ScheduleState& state) {
    state.number("factor", factor);
    state.number("total_iters", total_iters);
  }
};

struct LinearRule {
  optim::lr_scheduler::LinearOptions o;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    if (epoch == 0) return group.lr * o.start_factor;
    if (epoch > o.total_iters) return group.lr;
    double slope = o.end_factor - o.start_factor;
    return group.lr * (1 + slope / (number(o.total_iters) * o.start_factor + number(epoch - 1) * slope));
  }
  void exchange(ScheduleState& state) {
    state.number("start_factor", o.start_factor);
    state.number("end_factor", o.end_factor);
    state.number("total_iters", o.total_iters);
  }
};

struct ExponentialRule {
  double gamma;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    return epoch == 0 ? group.lr : group.lr * gamma;
  }
  void exchange(ScheduleState& state) { state.number("gamma", gamma); }
};

struct PolynomialRule {
  std::int64_t total_iters;
  double power;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    if (epoch == 0 || epoch > total_iters) return group.lr;
    auto left = [&](std::int64_t at) { return 1 - number(at) / number(total_iters); };
    return group.lr * std::pow(left(epoch) / left(epoch - 1), power);
  }
  void exchange(ScheduleState& state) {
    state.number("total_iters", total_iters);
    state.number("power", power);
  }
};

struct CosineRule {
  std::int64_t t_max;
  double eta_min;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    if (epoch == 0) return group.lr;
    const double length = number(t_max);
    if (std::fmod(number(epoch) - 1 - length, 2 * length) == 0) {  // at the bottom: the ratio below would be 0 / 0
      return group.lr + (*group.initial_lr - eta_min) * (1 - std::cos(kPi / length)) / 2;
    }
    return (1 + std::cos(kPi * number(epoch) / length)) / (1 + std::cos(kPi * number(epoch - 1) / length)) *
               (group.lr - eta_min) +
           eta_min;
  }
  void exchange(ScheduleState& state) {
    state.number("T_max", t_max);
    state.number("eta_min", eta_min);
  }
};

// From the initial rate to one that stays, by the share of the way that is made.
struct SwaRule {
  double swa_lr;
  optim::swa_utils::SWALROptions o;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    if (o.anneal_epochs == 0) epoch = std::max<std::int64_t>(1, epoch);
    const double before = share(epoch - 1), now = share(epoch);
    const double start = before == 1 ? swa_lr : (group.lr - before * swa_lr) / (1 - before);
    return swa_lr * now + start * (1 - now);
  }
  double share(std::int64_t epoch) const {
    const double way = number(epoch) / number(std::max<std::int64_t>(1, o.anneal_epochs));
    const double t = std::clamp(way, 0.0, 1.0);
    return o.anneal_strategy == "cos" ? (1 - std::cos(kPi * t)) / 2 : t;
  }
  void exchange(ScheduleState& state) { state.number("anneal_epochs", o.anneal_epochs); }
};

using Factor = std::function<double(std::int64_t)>;

struct LambdaRule {
  Factor factor;
  double rate(const ParameterGroup& group, std::int64_t epoch) const { return *group.initial_lr * factor(epoch); }
  void exchange(ScheduleState&) {}
};

struct MultiplicativeRule {
  Factor factor;
  double rate(const ParameterGroup& group, std::int64_t epoch) const {
    return epoch == 0 ? group.lr : group.lr * factor(epoch);
  }
  void exchange(ScheduleState&) {}
};
// It knows no rate but the one before.
class MultiplicativeScheduler : public RuleScheduler<MultiplicativeRule> {
 public:
  using RuleScheduler::RuleScheduler;

 protected:
  bool restarts_from_initial() const override { return false; }
};

// Cycles, each longer than the one before by a factor; a step may lead into the middle of an epoch.
class WarmRestartScheduler : public RateScheduler {
 public:
  WarmRestartScheduler(Optimizer optimizer, std::int64_t t_0, optim::lr_scheduler::WarmRestartsOptions o)
      : RateScheduler(std::move(optimizer)), first_length_(t_0), o_(o) {
    start();
  }
  void step() override {
    epoch() < 0 ? go_to(0) : go_to(position_ + 1, length_);
    move_to(epoch() + 1);
  }
  void step(double epoch) {
    go_to(epoch);
    move_to(static_cast<std::int64_t>(std::floor(epoch)));
  }
  void restart() override {
    go_to(0);
    RateScheduler::restart();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t) override {
    return o_.eta_min + (*group.initial_lr - o_.eta_min) * (1 + std::cos(kPi * position_ / number(length_))) / 2;
  }
  void exchange_options(ScheduleState& state) override {
    state.number("T_0", first_length_);
    state.number("T_i", length_);
    state.number("T_mult", o_.t_mult);
    state.number("eta_min", o_.eta_min);
    state.number("T_cur", position_);
  }

 private:
  void go_to(double epoch) { go_to(epoch, first_length_); }
  // Where an epoch lies, counted from the begin of a cycle of this length.
  void go_to(double epoch, std::int64_t length) {
    for (; epoch >= number(length); length *= o_.t_mult) epoch -= number(length);
    position_ = epoch;
    length_ = length;
  }

  std::int64_t first_length_, length_ = first_length_;
  optim::lr_scheduler::WarmRestartsOptions o_;
  double position_ = 0;
};

SwaRule checked(SwaRule rule) {
  const auto& [epochs, strategy] = rule.o;
  if (epochs >= 0 && (strategy == "cos" || strategy == "linear")) return rule;
  throw Error({.where = "SWALR",
               .expected = epochs < 0 ? "anneal_epochs of at least 0" : "anneal_strategy \"cos\" or \"linear\"",
               .received = epochs < 0 ? absl::StrCat(epochs) : absl::StrCat("\"", strategy, "\""),
               .hint = {}});
}

template <class Rule>
std::shared_ptr<RateScheduler> follow(const Optimizer& optimizer, Rule rule) {
  return std::make_shared<RuleScheduler<Rule>>(optimizer, std::move(rule));
}

}  // namespace
}  // namespace internal

namespace optim::lr_scheduler {
using internal::follow;

StepLR::StepLR(const Optimizer& optimizer, std::int64_t step_size, double gamma)
    : LRScheduler(follow(optimizer, internal::StepRule{step_size, gamma})) {}
MultiStepLR::MultiStepLR(const Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma)
    : LRScheduler(follow(optimizer, internal::MultiStepRule{std::move(milestones), gamma})) {}
ConstantLR::ConstantLR(const Optimizer& optimizer, double factor, std::int64_t total_iters)
    : LRScheduler(follow(optimizer, internal::ConstantRule{factor, total_iters})) {}
LinearLR::LinearLR(const Optimizer& optimizer, LinearOptions o)
    : LRScheduler(follow(optimizer, internal::LinearRule{o})) {}
ExponentialLR::ExponentialLR(const Optimizer& optimizer, double gamma)
    : LRScheduler(follow(optimizer, internal::ExponentialRule{gamma})) {}
PolynomialLR::PolynomialLR(const Optimizer& optimizer, std::int64_t total_iters, double power)
    : LRScheduler(follow(optimizer, internal::PolynomialRule{total_iters, power})) {}
CosineAnnealingLR::CosineAnnealingLR(const Optimizer& optimizer, std::int64_t t_max, double eta_min)
    : LRScheduler(follow(optimizer, internal::CosineRule{t_max, eta_min})) {}
LambdaLR::LambdaLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor)
    : LRScheduler(follow(optimizer, internal::LambdaRule{std::move(factor)})) {}
MultiplicativeLR::MultiplicativeLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor)
    : LRScheduler(std::make_shared<internal::MultiplicativeScheduler>(
          optimizer, internal::MultiplicativeRule{std::move(factor)})) {}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(const Optimizer& optimizer, std::int64_t t_0,
                                                         WarmRestartsOptions o)
    : LRScheduler(std::make_shared<internal::WarmRestartScheduler>(optimizer, t_0, o)) {}
void CosineAnnealingWarmRestarts::step(double epoch) const {
  static_cast<internal::WarmRestartScheduler&>(*impl()).step(epoch);
}

}  // namespace optim::lr_scheduler

optim::swa_utils::SWALR::SWALR(const Optimizer& optimizer, double swa_lr, SWALROptions o)
    : LRScheduler(internal::follow(optimizer, internal::checked({swa_lr, std::move(o)}))) {}

}  // namespace mica
