#include "frontend/training/step.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/hooks.h"

namespace mica::internal {
namespace {

// What tells kinds of batches apart.
ir::Types kind_of(const TrainingData& batch) {
  ir::Types types = batch.x.types;
  for (const rt::Array& y : batch.y) types.push_back(target_type(y));
  for (const rt::Array& weight : batch.weights) types.push_back(target_type(weight));
  return types;
}

// Everything the traced graph depends on beside the model itself.
std::string step_key(const TrainingConfig& config, const ir::Types& types, bool training) {
  std::string key = absl::StrCat(training ? "train|" : "test|", config.version, "|");
  for (const ir::TensorType& type : types) absl::StrAppend(&key, type.to_string(), ";");
  return key;
}

rt::Array scalar(double value) {
  rt::Array array = rt::Array::uninitialized(kFloat32, {});
  array.set(0, value);
  return array;
}

}  // namespace

void Step::find_program(const TrainingData& batch) {
  ir::Types types = kind_of(batch);
  std::string hooks = hooks_key(*model_.impl());
  if (program_ && types == types_ && hooks == hooks_) return;
  const std::string key = absl::StrCat(step_key(config_, types, training_), hooks);
  program_ = compiled(model_state(model_), key,
                      [&] {
                        TracedStep traced = trace_step(model_, config_, batch, training_);
                        config_.step_optimizers[key] = std::move(traced.optimizers);
                        return std::move(traced.graph);
                      },
                      {.precision = config_.options.precision});
  optimizers_ = config_.step_optimizers[key];
  names_ = program_->output_names();
  num_reported_ = static_cast<std::size_t>(
      std::find_if(names_.begin(), names_.end(), [](const std::string& name) { return name.starts_with(kLogPrefix); }) -
      names_.begin());
  types_ = std::move(types);
  hooks_ = std::move(hooks);
}

void Step::run(const TrainingData& batch, Tally& tally) {
  find_program(batch);
  check_labels(config_, batch);
  std::vector<rt::Array> inputs = batch.x.arrays;
  inputs.insert(inputs.end(), batch.y.begin(), batch.y.end());
  inputs.insert(inputs.end(), batch.weights.begin(), batch.weights.end());
  for (const Optimizer& optimizer : optimizers_) {
    for (double value : optimizer.impl().operands()) inputs.push_back(scalar(value));
  }
  results_ = program_->run(inputs, std::move(results_));
  for (std::size_t i = num_reported_; i < results_.size(); ++i)
    tally.set_own(names_[i].substr(kLogPrefix.size()), results_[i].at(0));
  if (num_reported_ > 0) tally.add(std::span(results_).first(num_reported_), batch.rows());
  for (const Optimizer& optimizer : optimizers_) optimizer.impl().count_step();
}

}  // namespace mica::internal
