// Model::fit, evaluate, train_on_batch, test_on_batch.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/training/progress.h"
#include "frontend/training/step.h"

namespace mica {
namespace internal {
namespace {

void check_positive(const Model& model, const char* argument, std::int64_t value) {
  if (value >= 1) return;
  throw Error({.where = model.name(),
               .expected = absl::StrCat(argument, " of at least 1"),
               .received = absl::StrCat(value),
               .hint = {}});
}

void check_split(const Model& model, double split) {
  if (split >= 0 && split < 1) return;
  throw Error({.where = model.name(),
               .expected = "validation_split from 0 to below 1",
               .received = absl::StrCat(split),
               .hint = {}});
}

std::int64_t batches_of(std::int64_t rows, std::int64_t batch_size) { return (rows + batch_size - 1) / batch_size; }

Logs evaluate_on(const Model& model, TrainingConfig& config, const TrainingData& data, std::int64_t batch_size,
                 std::optional<std::int64_t> steps, std::string_view prefix) {
  Step step(model, config, data, /*training=*/false);
  Tally tally(config);
  std::int64_t done = 0;
  for (std::int64_t begin = 0; begin < data.rows() && (!steps || done < *steps); begin += batch_size, ++done) {
    step.run(data.batch(begin, std::min(begin + batch_size, data.rows())), tally, begin);
  }
  return tally.logs(prefix);
}

// The epochs of one call of fit.
class Fit {
 public:
  Fit(const Model& model, TrainingConfig& config, const FitOptions& options, TrainingData train,
      std::optional<TrainingData> validation)
      : model_(model),
        config_(config),
        options_(options),
        train_(std::move(train)),
        validation_(std::move(validation)),
        step_(model, config, train_, /*training=*/true) {
    std::int64_t all = batches_of(train_.rows(), options_.batch_size);
    batches_ = std::min(all, options_.steps_per_epoch.value_or(all));
  }

  History run() {
    History history;
    each([](CustomCallback& callback) { callback.on_train_begin(); });
    for (int epoch = options_.initial_epoch; epoch < options_.epochs; ++epoch) {
      each([&](CustomCallback& callback) { callback.on_epoch_begin(epoch); });
      Logs logs = run_epoch(epoch);
      each([&](CustomCallback& callback) { callback.on_epoch_end(epoch, logs); });
      history.add(logs);
    }
    config_.optimizer.impl().finalize(model_.trainable_weights());
    each([](CustomCallback& callback) { callback.on_train_end(); });
    return history;
  }

 private:
  template <class F>
  void each(F f) {
    for (const Callback& callback : options_.callbacks) f(callback.impl());
  }

  Logs run_epoch(int epoch) {
    std::vector<std::int64_t> order;
    if (options_.shuffle) order = shuffled(train_.rows());
    Tally tally(config_);
    EpochProgress progress(options_.verbose, epoch, options_.epochs, batches_);
    for (std::int64_t batch = 0; batch < batches_; ++batch) {
      std::int64_t begin = batch * options_.batch_size, end = std::min(begin + options_.batch_size, train_.rows());
      each([&](CustomCallback& callback) { callback.on_train_batch_begin(static_cast<int>(batch)); });
      step_.run(train_.batch(begin, end, order), tally, begin);
      if (progress.due(batch + 1) || !options_.callbacks.empty()) {
        Logs logs = tally.logs();
        each([&](CustomCallback& callback) { callback.on_train_batch_end(static_cast<int>(batch), logs); });
        progress.update(batch + 1, logs);
      }
    }
    Logs logs = tally.logs();
    if (validation_ && (epoch + 1 - options_.initial_epoch) % options_.validation_freq == 0) {
      std::int64_t size = options_.validation_batch_size.value_or(options_.batch_size);
      Logs validation = evaluate_on(model_, config_, *validation_, size, options_.validation_steps, "val_");
      for (const auto& [name, value] : validation.items()) logs.set(name, value);
    }
    progress.finish(logs);
    return logs;
  }

  const Model& model_;
  TrainingConfig& config_;
  const FitOptions& options_;
  TrainingData train_;
  std::optional<TrainingData> validation_;
  Step step_;
  std::int64_t batches_ = 0;
};

Logs one_batch(const Model& model, std::string_view method, const Inputs& x, const Inputs& y,
               const BatchOptions& options, bool training) {
  TrainingConfig& config = training_config(model, method);
  TrainingData data = training_data(model, config, x, y, options.sample_weight, options.class_weight);
  Tally tally(config);
  Step(model, config, data, training).run(data, tally, 0);
  return tally.logs();
}

}  // namespace
}  // namespace internal

History Model::fit(const Inputs& x, const Inputs& y, FitOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "fit");
  check_positive(*this, "batch_size", options.batch_size);
  check_positive(*this, "validation_freq", options.validation_freq);
  check_split(*this, options.validation_split);
  TrainingData train = training_data(*this, config, x, y, options.sample_weight, options.class_weight);
  std::optional<TrainingData> validation;
  if (!options.validation_data.x.empty()) {
    validation = training_data(*this, config, options.validation_data.x, options.validation_data.y,
                               options.validation_data.sample_weight);
  } else if (options.validation_split > 0) {
    std::int64_t at =
        static_cast<std::int64_t>(std::floor(static_cast<double>(train.rows()) * (1 - options.validation_split)));
    if (at == 0 || at == train.rows()) {
      throw Error({.where = name(),
                   .expected = "a validation_split that leaves rows on both sides",
                   .received = absl::StrCat(options.validation_split, " of ", train.rows(), " rows"),
                   .hint = {}});
    }
    auto [before, after] = split_rows(train, at);
    train = std::move(before);
    validation = std::move(after);
  }
  return Fit(*this, config, options, std::move(train), std::move(validation)).run();
}

Logs Model::evaluate(const Inputs& x, const Inputs& y, EvaluateOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "evaluate");
  check_positive(*this, "batch_size", options.batch_size);
  TrainingData data = training_data(*this, config, x, y, options.sample_weight);
  EpochProgress progress(options.verbose, 0, 0, batches_of(data.rows(), options.batch_size));
  Logs logs = evaluate_on(*this, config, data, options.batch_size, options.steps, "");
  progress.finish(logs);
  return logs;
}

Logs Model::train_on_batch(const Inputs& x, const Inputs& y, BatchOptions options) const {
  return internal::one_batch(*this, "train_on_batch", x, y, options, true);
}

Logs Model::test_on_batch(const Inputs& x, const Inputs& y, BatchOptions options) const {
  return internal::one_batch(*this, "test_on_batch", x, y, options, false);
}

}  // namespace mica
