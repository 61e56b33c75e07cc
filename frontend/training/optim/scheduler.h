// What the schedulers of optim::lr_scheduler are behind their handles: they set the rates of an optimizer's groups.
#pragma once
#include <string>
#include <vector>

#include "frontend/training/optim/parameter_optimizer.h"

namespace mica::internal {

class RateScheduler {
 public:
  explicit RateScheduler(Optimizer optimizer);
  virtual ~RateScheduler() = default;

  // Epoch 0: what making a scheduler does.
  void start() { step(); }
  virtual void step();
  // Epoch 0 again, from the initial rates: a scheduler that follows another one.
  void restart();
  // As if it had not started.
  void withdraw() { --epoch_; }
  double last_lr() { return groups()[0].lr; }
  std::vector<ParameterGroup>& groups() { return optimizer_.parameter_optimizer().groups(); }
  const Optimizer& optimizer() const { return optimizer_; }

 protected:
  // The rate of a group at an epoch; `group.lr` is that of the epoch before.
  virtual double rate(const ParameterGroup& group, std::int64_t epoch) = 0;
  virtual bool restarts_from_initial() const { return true; }
  std::int64_t epoch() const { return epoch_; }
  [[noreturn]] static void refuse(const char* where, std::string expected, std::string received);

 private:
  Optimizer optimizer_;
  std::int64_t epoch_ = -1;
};

class PlateauScheduler {
 public:
  PlateauScheduler(Optimizer optimizer, optim::lr_scheduler::PlateauOptions o);
  void step(double metric);
  double last_lr() const { return optimizer_.lr(); }

 private:
  bool is_better(double metric) const;
  Optimizer optimizer_;
  optim::lr_scheduler::PlateauOptions o_;
  double best_;
  std::int64_t bad_epochs_ = 0, cooling_ = 0;
};

}  // namespace mica::internal
