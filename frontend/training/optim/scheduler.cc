// What all schedulers do, and those that are made of others.
#include "frontend/training/optim/scheduler.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mica {
namespace internal {

RateScheduler::RateScheduler(Optimizer optimizer) : optimizer_(std::move(optimizer)) {
  for (ParameterGroup& group : groups()) {
    if (!group.initial_lr) group.initial_lr = group.lr;
  }
}

void RateScheduler::move_to(std::int64_t epoch) {
  epoch_ = epoch;
  for (ParameterGroup& group : groups()) set(group, epoch);
}

void RateScheduler::step() { move_to(epoch_ + 1); }

void RateScheduler::restart() {
  for (ParameterGroup& group : groups()) {
    if (restarts_from_initial()) group.lr = *group.initial_lr;
  }
  move_to(0);
}

void RateScheduler::exchange(ScheduleState& state) {
  exchange_options(state);
  std::vector<double> initial;
  for (const ParameterGroup& group : groups()) initial.push_back(*group.initial_lr);
  state.numbers("base_lrs", initial);
  for (std::size_t i = 0; i < initial.size(); ++i) groups()[i].initial_lr = initial[i];
  state.number("last_epoch", epoch_);
  state.saved_only("_last_lr", rates_of(groups()));
}

void RateScheduler::refuse(const char* where, std::string expected, std::string received) {
  throw Error({.where = absl::StrCat("lr_scheduler::", where),
               .expected = std::move(expected),
               .received = std::move(received),
               .hint = {}});
}

namespace {

using Parts = std::vector<std::shared_ptr<RateScheduler>>;

void exchange_parts(const Parts& parts, ScheduleState& state) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ScheduleState part = state.below(absl::StrCat("_schedulers.", i));
    parts[i]->exchange(part);
  }
}

// One scheduler after another; the first ones have started already and are taken back.
class SequentialScheduler : public RateScheduler {
 public:
  SequentialScheduler(Optimizer optimizer, Parts parts, std::vector<std::int64_t> milestones)
      : RateScheduler(std::move(optimizer)), parts_(std::move(parts)), milestones_(std::move(milestones)) {
    if (parts_.size() != milestones_.size() + 1) {
      refuse("SequentialLR", absl::StrCat(milestones_.size() + 1, " schedulers, one more than milestones"),
             absl::StrCat(parts_.size()));
    }
    for (ParameterGroup& group : groups()) group.lr = *group.initial_lr;
    for (const auto& part : parts_) part->withdraw();
    parts_[0]->start();
  }
  void step() override {
    ++epoch_;
    auto next = std::upper_bound(milestones_.begin(), milestones_.end(), epoch_);
    RateScheduler& part = *parts_[static_cast<std::size_t>(next - milestones_.begin())];
    bool begins = next != milestones_.begin() && *(next - 1) == epoch_;
    begins ? part.restart() : part.step();
  }
  void exchange(ScheduleState& state) override {
    state.numbers("_milestones", milestones_);
    state.number("last_epoch", epoch_);
    state.saved_only("_last_lr", rates_of(groups()));
    exchange_parts(parts_, state);
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t) override { return group.lr; }

 private:
  Parts parts_;
  std::vector<std::int64_t> milestones_;
  std::int64_t epoch_ = 0;
};

class ChainedRates : public RateScheduler {
 public:
  ChainedRates(Optimizer optimizer, Parts parts) : RateScheduler(std::move(optimizer)), parts_(std::move(parts)) {}
  void step() override {
    for (const auto& part : parts_) part->step();
  }
  void exchange(ScheduleState& state) override {
    state.saved_only("_last_lr", rates_of(groups()));
    exchange_parts(parts_, state);
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t) override { return group.lr; }

 private:
  Parts parts_;
};

Parts parts_of(const std::vector<optim::lr_scheduler::LRScheduler>& schedulers) {
  Parts parts;
  for (const auto& scheduler : schedulers) parts.push_back(scheduler.impl());
  return parts;
}

}  // namespace
}  // namespace internal

namespace optim::lr_scheduler {

void LRScheduler::step() const { impl_->step(); }
double LRScheduler::get_last_lr() const { return impl_->last_lr(); }
TensorDict LRScheduler::state_dict() const { return internal::saved_schedule(*impl_); }
void LRScheduler::load_state_dict(const TensorDict& state) const { internal::load_schedule(*impl_, state); }

SequentialLR::SequentialLR(const Optimizer& optimizer, std::vector<LRScheduler> schedulers,
                           std::vector<std::int64_t> milestones)
    : LRScheduler(std::make_shared<internal::SequentialScheduler>(optimizer, internal::parts_of(schedulers),
                                                                  std::move(milestones))) {}

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler> schedulers)
    : LRScheduler(std::make_shared<internal::ChainedRates>(schedulers.at(0).impl()->optimizer(),
                                                           internal::parts_of(schedulers))) {}

}  // namespace optim::lr_scheduler
}  // namespace mica
