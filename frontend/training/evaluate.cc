// Model::evaluate, train_on_batch, test_on_batch.
#include "frontend/training/evaluate.h"

#include "absl/strings/str_cat.h"

namespace mica {
namespace internal {

void check_positive(const Model& model, const char* argument, std::int64_t value) {
  if (value >= 1) return;
  throw Error({.where = model.name(),
               .expected = absl::StrCat(argument, " of at least 1"),
               .received = absl::StrCat(value),
               .hint = {}});
}

Logs evaluate_on(const Model& model, TrainingConfig& config, BatchFeed& feed, const CallbackList& callbacks,
                 EpochProgress* progress) {
  Step step(model, config, /*training=*/false);
  Tally tally(config);
  callbacks.call(&CustomCallback::on_test_begin);
  feed.start_over();
  int done = 0;
  for (std::optional<TrainingData> batch = feed.next(); batch; batch = feed.next(), ++done) {
    callbacks.call(&CustomCallback::on_test_batch_begin, done);
    step.run(*batch, tally);
    if (progress && progress->due(done + 1)) progress->update(done + 1, tally.logs());
    if (!callbacks.empty()) callbacks.call(&CustomCallback::on_test_batch_end, done, tally.logs());
  }
  Logs logs = tally.logs();
  if (progress) progress->finish(done, logs);
  callbacks.call(&CustomCallback::on_test_end, logs);
  return logs;
}

namespace {

Logs evaluate(const Model& model, TrainingConfig& config, BatchFeed& feed, const EvaluateOptions& options) {
  EpochProgress progress(options.verbose, 0, 0, feed.num_batches());
  return evaluate_on(model, config, feed, CallbackList(model, options.callbacks), &progress);
}

Logs one_batch(const Model& model, std::string_view method, const Inputs& x, const Inputs& y,
               const BatchOptions& options, bool training) {
  TrainingConfig& config = training_config(model, method);
  TrainingData data = training_data(model, config, x, y, options.sample_weight, options.class_weight);
  Tally tally(config);
  Step(model, config, training).run(data, tally);
  return tally.logs();
}

}  // namespace
}  // namespace internal

Logs Model::evaluate(const Inputs& x, const Inputs& y, EvaluateOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "evaluate");
  check_positive(*this, "batch_size", options.batch_size);
  std::unique_ptr<BatchFeed> feed = array_feed(training_data(*this, config, x, y, options.sample_weight),
                                               {.batch_size = options.batch_size, .steps = options.steps});
  return internal::evaluate(*this, config, *feed, options);
}

Logs Model::evaluate_batches(BatchSource& batches, EvaluateOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "evaluate");
  std::unique_ptr<BatchFeed> feed = source_feed(*this, config, batches, {.steps = options.steps});
  return internal::evaluate(*this, config, *feed, options);
}

Logs Model::train_on_batch(const Inputs& x, const Inputs& y, BatchOptions options) const {
  return internal::one_batch(*this, "train_on_batch", x, y, options, true);
}

Logs Model::test_on_batch(const Inputs& x, const Inputs& y, BatchOptions options) const {
  return internal::one_batch(*this, "test_on_batch", x, y, options, false);
}

}  // namespace mica
