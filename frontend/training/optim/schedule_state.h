// ScheduleState: the numbers of a scheduler under PyTorch's names. A scheduler names each of them once; from that
// follow state_dict() and load_state_dict().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/mica/tensor.h"

namespace mica::internal {

class ScheduleState {
 public:
  // Collects what it is shown into `saved`; or puts the numbers of `given` where they belong.
  explicit ScheduleState(TensorDict& saved) : saved_(&saved) {}
  explicit ScheduleState(const TensorDict& given) : given_(&given) {}
  // The numbers of a part of a scheduler: their names follow `prefix`.
  ScheduleState below(std::string_view prefix) const;

  void number(std::string_view name, double& value);
  void number(std::string_view name, std::int64_t& value);
  void numbers(std::string_view name, std::vector<double>& values);
  void numbers(std::string_view name, std::vector<std::int64_t>& values);
  // One number that PyTorch keeps for every group of parameters.
  void shared(std::string_view name, double& value, std::size_t groups);
  // What PyTorch saves and nobody needs.
  void saved_only(std::string_view name, std::vector<double> values);

 private:
  template <class T>
  void exchange(std::string_view name, std::vector<T>& values, bool is_scalar);

  TensorDict* saved_ = nullptr;
  const TensorDict* given_ = nullptr;
  std::string prefix_;
};

// Of whatever has exchange(ScheduleState&).
template <class Scheduler>
TensorDict saved_schedule(Scheduler& scheduler) {
  TensorDict saved;
  ScheduleState state(saved);
  scheduler.exchange(state);
  return saved;
}
// Error where one of a scheduler's own numbers is not given, or another count of them.
void check_same_numbers(const TensorDict& own, const TensorDict& given);
template <class Scheduler>
void load_schedule(Scheduler& scheduler, const TensorDict& given) {
  check_same_numbers(saved_schedule(scheduler), given);
  ScheduleState state(given);
  scheduler.exchange(state);
}

}  // namespace mica::internal
