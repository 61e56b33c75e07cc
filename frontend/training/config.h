// What compile() set, resolved against the outputs of the model.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "frontend/graph/model_state.h"
#include "frontend/training/metrics/metric.h"
#include "frontend/training/optimizer.h"

namespace mica::internal {

struct HeadMetric {
  Metric metric;
  std::string name;  // as in the logs: "department_accuracy"
  bool weighted;     // by sample weights and class weights
};

// One output: what its prediction is compared with, and how.
struct Head {
  std::string output;                    // the name of the output
  std::shared_ptr<const LossImpl> loss;  // null: the output is not trained
  double weight = 1;
  std::vector<HeadMetric> metrics;
  std::int64_t classes = 0;  // extent of the class axis, once traced; 0 where targets are no class indices
};

class FitSession;  // session.h

struct TrainingConfig {
  CompileOptions options;
  Optimizer optimizer = "rmsprop";
  std::vector<Head> heads;  // in order of the outputs, once they are known
  int version = 0;          // counts compile(): Programs of an earlier configuration are not used again
  bool stop_training = false;
  bool check_gradients = false;                                        // by the step itself: see TerminateOnNaN
  std::map<std::string, std::vector<Optimizer>> step_optimizers = {};  // of the Programs, by their keys
  FitSession* session = nullptr;                                       // of the call of fit that runs

  // What training updates: the weights that were trainable at compile(), or, of a model that had none yet, at the first
  // step. Later changes of `trainable` wait for the next compile().
  const Parameters& trained(const Model& model);

 private:
  std::optional<Parameters> trained_ = {};
};

// How many outputs are trained: where it is more than one, the logs have the loss of each.
std::size_t num_losses(const TrainingConfig& config);
// The configuration of a compiled model, or null.
TrainingConfig* find_training_config(const Model& model);
// The same; Error naming `wanted` ("fit") when compile() was not called.
TrainingConfig& training_config(const Model& model, std::string_view wanted);
// Matches losses, weights and metrics with the outputs. Errors name unknown outputs and wrong counts.
void resolve_heads(TrainingConfig& config, const Model& model, const std::vector<std::string>& outputs);

}  // namespace mica::internal
