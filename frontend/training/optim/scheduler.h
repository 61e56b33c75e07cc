// What the schedulers of optim::lr_scheduler are behind their handles: they set the rates of an optimizer's groups.
#pragma once
#include <string>
#include <vector>

#include "frontend/training/optim/parameter_optimizer.h"
#include "frontend/training/optim/schedule_state.h"

namespace mica::internal {

class RateScheduler {
 public:
  explicit RateScheduler(Optimizer optimizer);
  virtual ~RateScheduler() = default;

  // Epoch 0: what making a scheduler does.
  void start() { step(); }
  virtual void step();
  // Epoch 0 again, from the initial rates: a scheduler that follows another one.
  virtual void restart();
  // As if it had not started.
  void withdraw() { --epoch_; }
  // Shows all its numbers.
  virtual void exchange(ScheduleState& state);
  double last_lr() { return groups()[0].lr; }
  std::vector<ParameterGroup>& groups() { return optimizer_.parameter_optimizer().groups(); }
  const Optimizer& optimizer() const { return optimizer_; }

 protected:
  // The rate of a group at an epoch; `group.lr` is that of the epoch before.
  virtual double rate(const ParameterGroup& group, std::int64_t epoch) = 0;
  // Sets the rate of a group, and what else a scheduler moves.
  virtual void set(ParameterGroup& group, std::int64_t epoch) { group.lr = rate(group, epoch); }
  virtual void exchange_options(ScheduleState&) {}
  virtual bool restarts_from_initial() const { return true; }
  std::int64_t epoch() const { return epoch_; }
  void move_to(std::int64_t epoch);
  [[noreturn]] static void refuse(const char* where, std::string expected, std::string received);

 private:
  Optimizer optimizer_;
  std::int64_t epoch_ = -1;
};

// A scheduler whose rate is a function of the group, the rate before, the epoch and the options of a rule.
template <class Rule>
class RuleScheduler : public RateScheduler {
 public:
  RuleScheduler(Optimizer optimizer, Rule rule) : RateScheduler(std::move(optimizer)), rule_(std::move(rule)) {
    start();
  }

 protected:
  double rate(const ParameterGroup& group, std::int64_t epoch) override { return rule_.rate(group, epoch); }
  void exchange_options(ScheduleState& state) override { rule_.exchange(state); }

 private:
  Rule rule_;
};

}  // namespace mica::internal
