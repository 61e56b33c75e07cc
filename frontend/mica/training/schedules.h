// Schedules of the learning rate by Keras' names, arguments and defaults.
#pragma once
#include "mica/layer.h"

namespace mica {

namespace internal {
class ScheduleImpl;  // frontend/training/schedule.h
}  // namespace internal

// A number, a schedule, or f(step) built from tensor operations. Steps count from 0.
class LearningRate {
 public:
  LearningRate(double constant);
  LearningRate(std::function<Tensor(const Tensor& step)> schedule);
  double at(std::int64_t step) const;
  bool is_constant() const { return !schedule_; }
  const internal::ScheduleImpl* schedule() const { return schedule_.get(); }  // the library's own code; null: constant

 protected:
  explicit LearningRate(std::shared_ptr<const internal::ScheduleImpl> schedule) : schedule_(std::move(schedule)) {}

 private:
  double constant_ = 0;
  std::shared_ptr<const internal::ScheduleImpl> schedule_;
};

inline namespace schedules {
struct CosineDecayOptions {
  double alpha = 0;
  std::optional<double> warmup_target = {};
  std::int64_t warmup_steps = 0;
  std::string name = {};
};
struct CosineRestartsOptions {
  double t_mul = 2, m_mul = 1, alpha = 0;
  std::string name = {};
};
struct StaircaseOptions {
  bool staircase = false;
  std::string name = {};
};
struct PolynomialOptions {
  double end_learning_rate = 1e-4, power = 1;
  bool cycle = false;
  std::string name = {};
};
struct PiecewiseOptions {
  std::string name = {};
};
// initial · (α + (1 - α)·(1 + cos(π·step / decay_steps)) / 2), after a linear warm-up to warmup_target where one is
// given.
class CosineDecay : public LearningRate {
 public:
  CosineDecay(double initial, std::int64_t decay_steps, CosineDecayOptions options = {});
};
// Each period is t_mul times as long as the one before and starts m_mul times as high.
class CosineDecayRestarts : public LearningRate {
 public:
  CosineDecayRestarts(double initial, std::int64_t first_decay_steps, CosineRestartsOptions options = {});
};
// initial · decay_rate ^ (step / decay_steps); the exponent is rounded down where staircase is set.
class ExponentialDecay : public LearningRate {
 public:
  ExponentialDecay(double initial, std::int64_t decay_steps, double decay_rate, StaircaseOptions options = {});
};
// initial / (1 + decay_rate · step / decay_steps)
class InverseTimeDecay : public LearningRate {
 public:
  InverseTimeDecay(double initial, std::int64_t decay_steps, double decay_rate, StaircaseOptions options = {});
};
// values[i] up to and including the step boundaries[i]; one value more than boundaries.
class PiecewiseConstantDecay : public LearningRate {
 public:
  PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values,
                         PiecewiseOptions options = {});
};
// From initial to end_learning_rate in decay_steps, as (1 - step / decay_steps) ^ power.
class PolynomialDecay : public LearningRate {
 public:
  PolynomialDecay(double initial, std::int64_t decay_steps, PolynomialOptions options = {});
};
}  // namespace schedules

}  // namespace mica
