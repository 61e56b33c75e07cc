// One step is one Program: forward pass, losses, gradients, optimizer and metrics of a batch; or without gradients, for
// evaluation.
#pragma once
#include <memory>
#include <optional>
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
  // The first variable whose gradient was not finite in the last step, where the configuration has steps check them.
  const std::optional<std::string>& bad_gradient() const { return bad_gradient_; }

 private:
  // Takes the Program for such a batch, traced and compiled when there is none.
  void find_program(const TrainingData& batch);
  // What stands behind the results that Tally adds up.
  void read_beside(const std::vector<rt::Array>& results, Tally& tally);
  const Model& model_;
  TrainingConfig& config_;
  bool training_;
  ir::Types types_;    // of the batches that program_ is for
  std::string hooks_;  // the hooked layers that it is for
  bool is_checked_ = false;
  std::shared_ptr<const Executable> program_;
  std::vector<Optimizer> optimizers_;  // that it applies
  std::vector<std::string> names_;     // of its outputs: what Tally reads, then logs of a step of one's own and checks
  std::size_t num_reported_ = 0;
  std::vector<rt::Array> results_;  // of the last batch: storage for the next one
  std::optional<std::string> bad_gradient_;
};

}  // namespace mica::internal
