// ReduceLROnPlateau behind its handle: it follows a metric instead of the epochs.
#pragma once
#include "frontend/training/optim/parameter_optimizer.h"
#include "frontend/training/optim/schedule_state.h"

namespace mica::internal {

class PlateauScheduler {
 public:
  PlateauScheduler(Optimizer optimizer, optim::lr_scheduler::PlateauOptions o);
  void step(double metric);
  double last_lr() const { return optimizer_.lr(); }
  // Shows all its numbers.
  void exchange(ScheduleState& state);

 private:
  bool is_better(double metric) const;
  Optimizer optimizer_;
  optim::lr_scheduler::PlateauOptions o_;
  double best_;
  std::int64_t epoch_ = 0, bad_epochs_ = 0, cooling_ = 0;
};

}  // namespace mica::internal
