// What the rules of this folder share: each keeps its public options.
#pragma once
#include <cmath>
#include <utility>

#include "frontend/training/optimizer.h"

namespace mica::internal {

template <class Options>
class Rule : public OptimizerImpl {
 public:
  Rule(std::string_view class_name, LearningRate rate, Options o)
      : OptimizerImpl(class_name, std::move(rate), OptimizerCommon::of(o)), o_(std::move(o)) {}

 protected:
  Options o_;  // of these the fields of the class itself; the common ones are common()
};

// moment + (value - moment)·(1 - β)
inline Tensor moved_towards(const Tensor& moment, const Tensor& value, double beta) {
  return moment + (value - moment) * (1 - beta);
}

// Adam's lr·√(1 - β₂ᵗ) / (1 - β₁ᵗ)
inline double adam_rate(double lr, double beta_1, double beta_2, double step) {
  return lr * std::sqrt(1 - std::pow(beta_2, step)) / (1 - std::pow(beta_1, step));
}

}  // namespace mica::internal
