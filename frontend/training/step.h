// One step is one Program: forward pass, losses, gradients, optimizer and metrics of a batch; or without gradients, for
// evaluation.
#pragma once
#include <memory>
#include <vector>

#include "frontend/training/config.h"
#include "frontend/training/data.h"
#include "frontend/training/tally.h"

namespace mica::internal {

// The Program for data of these types, compiled once; batches of any size run on it.
class Step {
 public:
  Step(const Model& model, TrainingConfig& config, const TrainingData& example, bool training);
  // Runs one batch. Training updates the Variables and counts the optimizer's step. `first_row` is for messages.
  void run(const TrainingData& batch, Tally& tally, std::int64_t first_row) const;

 private:
  TrainingConfig& config_;
  bool training_;
  std::shared_ptr<const Executable> program_;
};

}  // namespace mica::internal
