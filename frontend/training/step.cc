#include "frontend/training/step.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "frontend/graph/hooks.h"

namespace mica::internal {
namespace {

// What tells kinds of batches apart.
ir::Types kind_of(const TrainingData& batch) {
  ir::Types types = batch.x.types;
  for (const rt::Array& y : batch.y) {
    if (y.defined()) types.push_back(target_type(y));
  }
  for (const rt::Array& weight : batch.weights) types.push_back(target_type(weight));
  return types;
}

// Everything the traced graph depends on beside the model itself.
std::string step_key(const TrainingConfig& config, const ir::Types& types, bool training) {
  std::string key = absl::StrCat(training ? "train|" : "test|", config.version,
                                 training && config.check_gradients ? "|checked|" : "|");
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
  if (program_ && types == types_ && hooks == hooks_ && is_checked_ == config_.check_gradients) return;
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
  num_reported_ =
      static_cast<std::size_t>(std::find_if(names_.begin(), names_.end(),
                                            [](const std::string& name) {
                                              return name.starts_with(kLogPrefix) || name.starts_with(kGradientPrefix);
                                            }) -
                               names_.begin());
  types_ = std::move(types);
  hooks_ = std::move(hooks);
  is_checked_ = config_.check_gradients;
}

void Step::read_beside(const std::vector<rt::Array>& results, Tally& tally) {
  bad_gradient_.reset();
  for (std::size_t i = num_reported_; i < results.size(); ++i) {
    std::string_view name = names_[i];
    if (name.starts_with(kLogPrefix)) {
      tally.set_own(name.substr(kLogPrefix.size()), results[i].at(0));
    } else if (results[i].at(0) == 0 && !bad_gradient_) {
      bad_gradient_ = name.substr(kGradientPrefix.size());
    }
  }
}

void Step::run(const TrainingData& batch, Tally& tally) {
  find_program(batch);
  check_labels(config_, batch);
  std::vector<rt::Array> inputs = batch.x.arrays;
  std::copy_if(batch.y.begin(), batch.y.end(), std::back_inserter(inputs),
               [](const rt::Array& y) { return y.defined(); });
  inputs.insert(inputs.end(), batch.weights.begin(), batch.weights.end());
  for (const Optimizer& optimizer : optimizers_) {
    for (double value : optimizer.impl().operands()) inputs.push_back(scalar(value));
  }
  results_ = program_->run(inputs, std::move(results_));
  read_beside(results_, tally);
  if (num_reported_ > 0) tally.add(std::span(results_).first(num_reported_), batch.rows());
  for (const Optimizer& optimizer : optimizers_) optimizer.impl().count_step();
}

}  // namespace mica::internal
