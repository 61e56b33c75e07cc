// Model::fit.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/files/keras_checkpoint.h"
#include "frontend/graph/random.h"
#include "frontend/training/bad_loss.h"
#include "frontend/training/callback.h"
#include "frontend/training/evaluate.h"
#include "frontend/training/feed.h"
#include "frontend/training/progress.h"
#include "frontend/training/session.h"
#include "frontend/training/step.h"

namespace mica {
namespace internal {
namespace {

void check_split(const Model& model, double split) {
  if (split >= 0 && split < 1) return;
  throw Error({.where = model.name(),
               .expected = "validation_split from 0 to below 1",
               .received = absl::StrCat(split),
               .hint = {}});
}

void check_options(const Model& model, const FitOptions& options) {
  check_positive(model, "batch_size", options.batch_size);
  check_positive(model, "validation_freq", options.validation_freq);
  check_positive(model, "steps_per_epoch", options.steps_per_epoch.value_or(1));
  check_positive(model, "validation_steps", options.validation_steps.value_or(1));
  check_positive(model, "validation_batch_size", options.validation_batch_size.value_or(1));
  check_split(model, options.validation_split);
}

// The epochs of one call of fit.
class Fit : public FitSession {
 public:
  Fit(const Model& model, TrainingConfig& config, const FitOptions& options, std::unique_ptr<BatchFeed> train,
      std::unique_ptr<BatchFeed> validation)
      : model_(model),
        config_(config),
        options_(options),
        train_(std::move(train)),
        validation_(std::move(validation)),
        step_(model, config, /*training=*/true),
        callbacks_(model, options.callbacks),
        tally_(config) {
    config_.session = this;
  }
  ~Fit() override {
    config_.session = nullptr;
    config_.check_gradients = false;
  }
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  History run() {
    config_.stop_training = false;
    callbacks_.call(&CustomCallback::on_train_begin);
    epoch_ = options_.initial_epoch;
    if (!resume_from_.first.empty()) resume();
    while (epoch_ < options_.epochs && !config_.stop_training) run_epoch();
    finish_weights();
    callbacks_.call(&CustomCallback::on_train_end);
    return std::move(history_);
  }

  void request_save(const std::string& path) override { save_to_ = path; }
  void request_resume(const std::string& path, const std::string& otherwise) override {
    resume_from_ = {path, otherwise};
  }
  void request_gradient_check() override { config_.check_gradients = true; }
  int epochs() const override { return options_.epochs; }

 private:
  void run_epoch() {
    if (!is_inside_epoch_) {
      tally_ = Tally(config_);
      train_->start_epoch();
      callbacks_.call(&CustomCallback::on_epoch_begin, epoch_);
      is_inside_epoch_ = true;
      done_ = 0;
    }
    EpochProgress progress(options_.verbose, epoch_, options_.epochs, train_->num_batches());
    while (!config_.stop_training && run_batches(progress)) {
    }
    if (done_ == 0) throw_no_batches();
    Logs logs = tally_.logs();
    if (validation_ && (epoch_ + 1) % options_.validation_freq == 0) {
      Logs validation = evaluate_on(model_, config_, *validation_, callbacks_);
      for (const auto& [name, value] : validation.items()) logs.set(absl::StrCat("val_", name), value);
    }
    progress.finish(done_, logs);
    callbacks_.call(&CustomCallback::on_epoch_end, epoch_, logs);
    history_.add(logs);
    is_inside_epoch_ = false;
    ++epoch_;
    save_if_asked();
  }

  // The batches between two calls of the batch hooks; false at the end of the epoch.
  bool run_batches(EpochProgress& progress) {
    std::optional<TrainingData> batch = train_->next();
    if (!batch) return false;
    callbacks_.call(&CustomCallback::on_train_batch_begin, done_);
    for (std::int64_t i = 0; batch; batch = ++i < config_.options.steps_per_execution ? train_->next() : std::nullopt) {
      step_.run(*batch, tally_);
      ++done_;
      if (!std::isfinite(tally_.last_loss()) || step_.bad_gradient()) return end_at(*batch);
    }
    if (progress.due(done_) || !callbacks_.empty()) {
      const Logs logs = tally_.logs();
      callbacks_.call(&CustomCallback::on_train_batch_end, done_ - 1, logs);
      progress.update(done_, logs);
      save_if_asked();
    }
    return true;
  }

  // The loss of this batch is not finite, or a gradient: an Error, unless a callback ends the training.
  bool end_at(const TrainingData& batch) {
    callbacks_.call(&CustomCallback::on_train_batch_end, done_ - 1, tally_.logs());
    if (config_.stop_training) return false;
    if (std::isfinite(tally_.last_loss())) throw_bad_gradient(*step_.bad_gradient(), batch, epoch_);
    throw_bad_loss(model_, config_, tally_, batch, epoch_);
  }

  void finish_weights() {
    config_.optimizer.impl().finalize(config_.trained(model_));
    for (const Variable& weight : config_.trained(model_)) check_finite_weight(weight);
  }

  void check_finite_weight(const Variable& weight) const {
    if (config_.stop_training || !weight.dtype().is_floating()) return;
    const rt::Array array = weight.cell()->array();
    for (std::int64_t i = 0; i < array.numel(); ++i) {
      if (std::isfinite(array.at(i))) continue;
      throw Error(
          {.where = model_.name(),
           .expected = absl::StrCat("finite weights after the last step, batch ", done_ - 1, " of epoch ", epoch_),
           .received = absl::StrCat(array.at(i), " in ", weight.path()),
           .hint = kExplodingHint});
    }
  }

  [[noreturn]] void throw_no_batches() const {
    throw Error({.where = model_.name(),
                 .expected = absl::StrCat("at least one batch in epoch ", epoch_ + 1),
                 .received = "none",
                 .hint = "A source of batches must be able to start again, or have batches for every epoch."});
  }

  // ---- checkpoints

  void save_if_asked() {
    if (save_to_.empty()) return;
    files::save_checkpoint(model_, state(), save_to_);
    save_to_.clear();
  }

  FitState state() const {
    FitState state{.values = {{"epoch", epoch_},
                              {"is_inside_epoch", is_inside_epoch_},
                              {"batch", done_},
                              {"random", random_position().to_config()},
                              {"feed", train_->state()},
                              {"learning_rate", config_.optimizer.lr()},
                              {"tally", tally_.state()},
                              {"history", history_.to_config()}}};
    for (const Callback& callback : callbacks_.callbacks()) state.callbacks.push_back(callback.impl().state());
    return state;
  }

  FitState load_state() const {
    const auto& [path, otherwise] = resume_from_;
    try {
      return files::load_checkpoint(model_, path);
    } catch (const Error&) {
      if (otherwise.empty()) throw;
      return files::load_checkpoint(model_, otherwise);
    }
  }

  void resume() {
    const FitState state = load_state();
    epoch_ = state.values.get<int>("epoch");
    is_inside_epoch_ = state.values.get<bool>("is_inside_epoch");
    done_ = state.values.get<int>("batch");
    train_->restore(state.values.get<Config>("feed"));
    tally_.restore(state.values.get<Config>("tally"));
    history_ = History::from_config(state.values.get<Config>("history"));
    for (std::size_t i = 0; i < std::min(state.callbacks.size(), callbacks_.callbacks().size()); ++i)
      callbacks_.callbacks()[i].impl().restore(state.callbacks[i]);
    // The file keeps a rate as a float; a schedule says the same as before.
    const double rate = state.values.get<double>("learning_rate");
    if (config_.optimizer.lr() != rate) config_.optimizer.set_lr(rate);
    set_random_position(RandomPosition::from_config(state.values.get<Config>("random")));
  }

  const Model& model_;
  TrainingConfig& config_;
  const FitOptions& options_;
  std::unique_ptr<BatchFeed> train_, validation_;  // no validation: null
  Step step_;
  CallbackList callbacks_;
  Tally tally_;
  History history_;
  int epoch_ = 0, done_ = 0;  // done_: batches of this epoch
  bool is_inside_epoch_ = false;
  std::string save_to_;
  std::pair<std::string, std::string> resume_from_;  // and what stands in for a damaged one
};

FeedOptions train_options(const FitOptions& options) {
  return {.batch_size = options.batch_size,
          .shuffle = options.shuffle,
          .steps = options.steps_per_epoch,
          .class_weight = options.class_weight};
}

FeedOptions validation_options(const FitOptions& options) {
  return {.batch_size = options.validation_batch_size.value_or(options.batch_size), .steps = options.validation_steps};
}

std::unique_ptr<BatchFeed> validation_feed(const Model& model, TrainingConfig& config, const FitOptions& options) {
  const ValidationData& data = options.validation_data;
  if (data.batches) return source_feed(model, config, *data.batches, validation_options(options));
  if (data.x.empty()) return nullptr;
  return array_feed(training_data(model, config, data.x, data.y, data.sample_weight), validation_options(options));
}

// The last rows, before any shuffling, as Keras splits.
std::pair<TrainingData, TrainingData> split(const Model& model, const TrainingData& data, double validation_split) {
  const std::int64_t rows = data.rows();
  const auto at = static_cast<std::int64_t>(std::floor(static_cast<double>(rows) * (1 - validation_split)));
  if (at > 0 && at < rows) return {data.batch(0, at), data.batch(at, rows)};
  throw Error({.where = model.name(),
               .expected = "a validation_split that leaves rows on both sides",
               .received = absl::StrCat(validation_split, " of ", rows, " rows"),
               .hint = {}});
}

}  // namespace
}  // namespace internal

History Model::fit(const Inputs& x, const Inputs& y, FitOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "fit");
  check_options(*this, options);
  TrainingData train = training_data(*this, config, x, y, options.sample_weight, options.class_weight);
  std::unique_ptr<BatchFeed> validation = validation_feed(*this, config, options);
  if (!validation && options.validation_split > 0) {
    auto [before, after] = split(*this, train, options.validation_split);
    train = std::move(before);
    validation = array_feed(std::move(after), validation_options(options));
  }
  return Fit(*this, config, options, array_feed(std::move(train), train_options(options)), std::move(validation)).run();
}

History Model::fit_batches(BatchSource& batches, FitOptions options) const {
  using namespace internal;
  TrainingConfig& config = training_config(*this, "fit");
  check_options(*this, options);
  if (options.validation_split > 0 || !options.sample_weight.empty()) {
    throw Error({.where = name(),
                 .expected = "batches with their own sample weights, and validation_data",
                 .received = options.validation_split > 0 ? "validation_split" : "sample_weight",
                 .hint = "Both need all rows at once."});
  }
  return Fit(*this, config, options, source_feed(*this, config, batches, train_options(options)),
             validation_feed(*this, config, options))
      .run();
}

}  // namespace mica
