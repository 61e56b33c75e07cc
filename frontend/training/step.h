// One step is one Program: forward pass, losses, gradients, optimizer and metrics of a batch; or without gradients, for
// evaluation.
#pragma once
#include <memory>
#include <vector>

#include "frontend/training/config.h"
#include "frontend/training/data.h"
#include "frontend/training/step_trace.h"
#include "frontend/training/tally.h"

namespace mica::internal {

// One batch after the other: each kind of batch (its shapes and element types) has a Program, compiled once; batches of
// any size run on it.
class Step {
 public:
  Step(const Model& model, TrainingConfig& config, bool training)
      : model_(model), config_(config), training_(training) {}
  // Runs one batch. Training updates the Variables and counts the optimizer's step.
  void run(const TrainingData& batch, Tally& tally);

 private:
  // Takes the Program for such a batch, traced and compiled when there is none.
  void find_program(const TrainingData& batch);
  const Model& model_;
  TrainingConfig& config_;
  bool training_;
  ir::Types types_;    // of the batches that program_ is for
  std::string hooks_;  // the hooked layers that it is for
  std::shared_ptr<const Executable> program_;
  std::vector<Optimizer> optimizers_;  // that it applies
  std::vector<std::string> names_;     // of its outputs: what Tally reads, then the logs of a step of one's own
  std::size_t num_reported_ = 0;
  std::vector<rt::Array> results_;  // of the last batch: storage for the next one
};

}  // namespace mica::internal
