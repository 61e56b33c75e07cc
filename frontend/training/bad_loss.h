// The Errors of a loss and of gradients that are no finite numbers.
#pragma once
#include "frontend/training/step.h"

namespace mica::internal {

inline constexpr const char* kExplodingHint =
    "Gradients may have exploded: lower the learning rate, or clip them (clipnorm). TerminateOnNaN() ends training "
    "without an error.";

// Names the output, the value, the batch, and the input whose values are not finite, when there is one. Epochs count
// from 0 here and from 1 in the message.
[[noreturn]] void throw_bad_loss(const Model& model, const TrainingConfig& config, const Tally& tally,
                                 const TrainingData& batch, int epoch);

// Names the variable whose gradient was not finite and the batch; no weight has changed.
[[noreturn]] void throw_bad_gradient(const std::string& variable, const TrainingData& batch, int epoch);

}  // namespace mica::internal
