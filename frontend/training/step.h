// One step is one Program: forward pass, losses, gradients, optimizer and metrics of a batch; or without gradients, for
// evaluation.
#pragma once
#include <memory>
#include <vector>

#include "frontend/training/config.h"
#include "frontend/training/data.h"

namespace mica::internal {

// Running means of an epoch: losses weighted by rows, metrics by their own counts.
class Tally {
 public:
  explicit Tally(const TrainingConfig& config) : config_(config) {}
  // `results` in the order of the outputs of the step's graph.
  void add(const std::vector<rt::Array>& results, std::int64_t rows);
  Logs logs(std::string_view prefix = {}) const;  // sorted by name, as Keras
  double last_loss() const { return last_loss_; }

 private:
  const TrainingConfig& config_;
  std::vector<double> sums_;
  double rows_ = 0, last_loss_ = 0;
};

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
