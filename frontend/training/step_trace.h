// The graph of one step: forward pass, losses, gradients, optimizer and metrics of a batch; or without gradients, for
// evaluation. A CustomModel may override what is in it.
#pragma once
#include <vector>

#include "frontend/graph/trace.h"
#include "frontend/training/config.h"
#include "frontend/training/data.h"

namespace mica::internal {

// What a batch is compared with and weighed by: all rows of one batch, "N".
ir::TensorType target_type(const rt::Array& array, const ir::TensorType* prediction = nullptr);

// Outputs of a step of one's own are named like this; those before are what Tally reads.
inline constexpr std::string_view kLogPrefix = "log:";
// Behind them all: whether the gradient of a variable was finite, where the configuration has steps check it.
inline constexpr std::string_view kGradientPrefix = "gradient:";

struct TracedStep {
  TracedGraph graph;
  std::vector<Optimizer> optimizers;  // the run-time operands of each follow the inputs; it counts a step after a run
};

// For batches like `example`. Where that has no targets, they are what the losses take for the predictions.
TracedStep trace_step(const Model& model, TrainingConfig& config, const TrainingData& example, bool training);
// The training step of a functional model, traced without data for inputs of these types.
TracedStep trace_step(const Model& model, TrainingConfig& config, const ir::Types& inputs);

// Inside of a step that is being traced: the update is part of it, and true; false elsewhere.
bool apply_in_step(const Optimizer& optimizer, const Tensors& grads, const Parameters& variables);

}  // namespace mica::internal
