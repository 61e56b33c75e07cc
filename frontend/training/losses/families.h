// The families of losses: one record a class, from which follow its objects, its function, and what files say of it.
#pragma once
#include <string_view>
#include <vector>

#include "frontend/training/class_options.h"
#include "frontend/training/losses/loss.h"

namespace mica::internal {

struct LossDef {
  const char* class_name;                   // "Huber"
  const char* name;                         // of its objects, unless they are given one: "huber_loss"
  std::vector<std::string_view> functions;  // it by names: the function's, then aliases
  Targets targets;
  // Asks for its own options; what it computes with them. May set what else of the loss they decide.
  LossFn (*make)(ClassOptions& options, LossImpl& loss);
};
using LossDefs = std::vector<LossDef>;

LossDefs regression_losses();
LossDefs crossentropy_losses();
LossDefs hinge_losses();
LossDefs overlap_losses();
LossDefs circle_losses();
LossDefs ctc_losses();

constexpr double kLossEpsilon = 1e-7;  // keras.config.epsilon()

// Probabilities that logarithms can take.
inline Tensor clip_probability(const Tensor& p) { return p.clamp(kLossEpsilon, 1 - kLossEpsilon); }

}  // namespace mica::internal
