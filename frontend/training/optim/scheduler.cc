#include "frontend/training/optim/scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"

namespace mica {
namespace internal {

RateScheduler::RateScheduler(Optimizer optimizer) : optimizer_(std::move(optimizer)) {
  for (ParameterGroup& group : groups()) {
    if (!group.initial_lr) group.initial_lr = group.lr;
  }
}

void RateScheduler::step() {
  ++epoch_;
  for (ParameterGroup& group : groups()) group.lr = rate(group, epoch_);
}

void RateScheduler::restart() {
  epoch_ = 0;
  for (ParameterGroup& group : groups()) {
    if (restarts_from_initial()) group.lr = *group.initial_lr;
    group.lr = rate(group, epoch_);
  }
}

void RateScheduler::refuse(const char* where, std::string expected, std::string received) {
  throw Error({.where = absl::StrCat("lr_scheduler::", where),
               .expected = std::move(expected),
               .received = std::move(received),
               .hint = {}});
}

namespace {

using namespace optim::lr_scheduler;
constexpr double kPi = std::numbers::pi;
double number(std::int64_t value) { return static_cast<double>(value); }

// Schedulers whose rate is a function of the group, the rate before and the epoch.
class FormulaScheduler : public RateScheduler {
 public:
  using Formula = std::function<double(const ParameterGroup&, std::int64_t epoch)>;
  FormulaScheduler(Optimizer optimizer, Formula formula, bool restarts_from_initial = true)
      : RateScheduler(std::move(optimizer)), formula_(std::move(formula)), from_initial_(restarts_from_initial) {
    start();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t epoch) override { return formula_(group, epoch); }
  bool restarts_from_initial() const override { return from_initial_; }

 private:
  Formula formula_;
  bool from_initial_;
};

std::shared_ptr<RateScheduler> formula(const Optimizer& optimizer, FormulaScheduler::Formula rate,
                                       bool restarts_from_initial = true) {
  return std::make_shared<FormulaScheduler>(optimizer, std::move(rate), restarts_from_initial);
}

double cosine_rate(const ParameterGroup& group, std::int64_t epoch, double t_max, double eta_min) {
  if (epoch == 0) return group.lr;
  if (std::fmod(number(epoch) - 1 - t_max, 2 * t_max) == 0) {  // at the bottom: the ratio below would be 0 / 0
    return group.lr + (*group.initial_lr - eta_min) * (1 - std::cos(kPi / t_max)) / 2;
  }
  return (1 + std::cos(kPi * number(epoch) / t_max)) / (1 + std::cos(kPi * number(epoch - 1) / t_max)) *
             (group.lr - eta_min) +
         eta_min;
}

double linear_rate(const ParameterGroup& group, std::int64_t epoch, const LinearOptions& o) {
  if (epoch == 0) return group.lr * o.start_factor;
  if (epoch > o.total_iters) return group.lr;
  double slope = o.end_factor - o.start_factor;
  return group.lr * (1 + slope / (number(o.total_iters) * o.start_factor + number(epoch - 1) * slope));
}

double warm_restart_rate(const ParameterGroup& group, std::int64_t epoch, std::int64_t t_0,
                         const WarmRestartsOptions& o) {
  std::int64_t length = t_0;
  for (; epoch >= length; length *= o.t_mult) epoch -= length;
  return o.eta_min + (*group.initial_lr - o.eta_min) * (1 + std::cos(kPi * number(epoch) / number(length))) / 2;
}

// One scheduler after another; the first ones have started already and are taken back.
class SequentialScheduler : public RateScheduler {
 public:
  SequentialScheduler(Optimizer optimizer, std::vector<std::shared_ptr<RateScheduler>> schedulers,
                      std::vector<std::int64_t> milestones)
      : RateScheduler(std::move(optimizer)), schedulers_(std::move(schedulers)), milestones_(std::move(milestones)) {
    if (schedulers_.size() != milestones_.size() + 1) {
      refuse("SequentialLR", absl::StrCat(milestones_.size() + 1, " schedulers, one more than milestones"),
             absl::StrCat(schedulers_.size()));
    }
    for (ParameterGroup& group : groups()) group.lr = *group.initial_lr;
    for (const auto& scheduler : schedulers_) scheduler->withdraw();
    schedulers_[0]->start();
  }
  void step() override {
    ++epoch_;
    auto next = std::upper_bound(milestones_.begin(), milestones_.end(), epoch_);
    RateScheduler& scheduler = *schedulers_[static_cast<std::size_t>(next - milestones_.begin())];
    bool begins = next != milestones_.begin() && *(next - 1) == epoch_;
    begins ? scheduler.restart() : scheduler.step();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t) override { return group.lr; }

 private:
  std::vector<std::shared_ptr<RateScheduler>> schedulers_;
  std::vector<std::int64_t> milestones_;
  std::int64_t epoch_ = 0;
};

class ChainedRates : public RateScheduler {
 public:
  ChainedRates(Optimizer optimizer, std::vector<std::shared_ptr<RateScheduler>> schedulers)
      : RateScheduler(std::move(optimizer)), schedulers_(std::move(schedulers)) {}
  void step() override {
    for (const auto& scheduler : schedulers_) scheduler->step();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t) override { return group.lr; }

 private:
  std::vector<std::shared_ptr<RateScheduler>> schedulers_;
};

}  // namespace

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

void PlateauScheduler::step(double metric) {
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
using internal::formula;
using Group = internal::ParameterGroup;

void LRScheduler::step() const { impl_->step(); }
double LRScheduler::get_last_lr() const { return impl_->last_lr(); }

StepLR::StepLR(const Optimizer& optimizer, std::int64_t step_size, double gamma)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        return epoch == 0 || epoch % step_size != 0 ? group.lr : group.lr * gamma;
      })) {}

MultiStepLR::MultiStepLR(const Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        return group.lr * std::pow(gamma, internal::number(std::count(milestones.begin(), milestones.end(), epoch)));
      })) {}

ConstantLR::ConstantLR(const Optimizer& optimizer, double factor, std::int64_t total_iters)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        if (epoch == 0) return group.lr * factor;
        return epoch == total_iters ? group.lr / factor : group.lr;
      })) {}

LinearLR::LinearLR(const Optimizer& optimizer, LinearOptions o)
    : LRScheduler(formula(
          optimizer, [=](const Group& group, std::int64_t epoch) { return internal::linear_rate(group, epoch, o); })) {}

ExponentialLR::ExponentialLR(const Optimizer& optimizer, double gamma)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        return epoch == 0 ? group.lr : group.lr * gamma;
      })) {}

PolynomialLR::PolynomialLR(const Optimizer& optimizer, std::int64_t total_iters, double power)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        if (epoch == 0 || epoch > total_iters) return group.lr;
        auto left = [&](std::int64_t at) { return 1 - internal::number(at) / internal::number(total_iters); };
        return group.lr * std::pow(left(epoch) / left(epoch - 1), power);
      })) {}

CosineAnnealingLR::CosineAnnealingLR(const Optimizer& optimizer, std::int64_t t_max, double eta_min)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        return internal::cosine_rate(group, epoch, internal::number(t_max), eta_min);
      })) {}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(const Optimizer& optimizer, std::int64_t t_0,
                                                         WarmRestartsOptions o)
    : LRScheduler(formula(optimizer, [=](const Group& group, std::int64_t epoch) {
        return internal::warm_restart_rate(group, epoch, t_0, o);
      })) {}

LambdaLR::LambdaLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor)
    : LRScheduler(formula(optimizer, [factor = std::move(factor)](const Group& group, std::int64_t epoch) {
        return *group.initial_lr * factor(epoch);
      })) {}

MultiplicativeLR::MultiplicativeLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor)
    : LRScheduler(formula(
          optimizer,
          [factor = std::move(factor)](const Group& group, std::int64_t epoch) {
            return epoch == 0 ? group.lr : group.lr * factor(epoch);
          },
          /*restarts_from_initial=*/false)) {}

namespace {
std::vector<std::shared_ptr<internal::RateScheduler>> impls_of(const std::vector<LRScheduler>& schedulers) {
  std::vector<std::shared_ptr<internal::RateScheduler>> impls;
  for (const LRScheduler& scheduler : schedulers) impls.push_back(scheduler.impl());
  return impls;
}
}  // namespace

SequentialLR::SequentialLR(const Optimizer& optimizer, std::vector<LRScheduler> schedulers,
                           std::vector<std::int64_t> milestones)
    : LRScheduler(
          std::make_shared<internal::SequentialScheduler>(optimizer, impls_of(schedulers), std::move(milestones))) {}

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler> schedulers)
    : LRScheduler(
          std::make_shared<internal::ChainedRates>(schedulers.at(0).impl()->optimizer(), impls_of(schedulers))) {}

ReduceLROnPlateau::ReduceLROnPlateau(const Optimizer& optimizer, PlateauOptions o)
    : impl_(std::make_shared<internal::PlateauScheduler>(optimizer, std::move(o))) {}
void ReduceLROnPlateau::step(double metric) const { impl_->step(metric); }
double ReduceLROnPlateau::get_last_lr() const { return impl_->last_lr(); }

}  // namespace optim::lr_scheduler
}  // namespace mica
