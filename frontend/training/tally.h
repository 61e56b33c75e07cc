// What an epoch has seen: losses, means weighted by rows, and the sums of the metrics.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "frontend/training/config.h"

namespace mica::internal {

class Tally {
 public:
  explicit Tally(const TrainingConfig& config);  // resets the metrics that keep Variables
  // `results` in the order of the outputs of the step's graph: the total loss, the loss of each output where there are
  // several, then what each metric adds up.
  void add(std::span<const rt::Array> results, std::int64_t rows);
  // A number of a train_step of one's own: the last batch's stands.
  void set_own(std::string_view name, double value);
  // Sorted by name, as Keras. A metric of several numbers has one entry each, "precision[0]".
  Logs logs() const;
  // Of the last batch: the total, then the loss of each output where there are several; 0 when none is reported.
  double last_loss() const { return last_losses_.empty() ? 0 : last_losses_[0]; }
  const std::vector<double>& last_losses() const { return last_losses_; }

  // As a checkpoint keeps it: the sums, and the Variables of one's own metrics.
  Config state() const;
  void restore(const Config& state);

 private:
  // The means and metrics, in the order of the outputs.
  std::vector<std::pair<std::string, double>> reported() const;
  const TrainingConfig* config_;
  std::vector<double> losses_, last_losses_;
  std::vector<MetricState> metrics_;  // of the heads in order
  std::map<std::string, double, std::less<>> own_;
  double rows_ = 0;
};

}  // namespace mica::internal
