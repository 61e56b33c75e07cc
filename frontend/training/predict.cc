// Model::predict and its kin: arrays or batches, callbacks, progress.
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/run_model.h"
#include "frontend/graph/value.h"
#include "frontend/training/callback.h"
#include "frontend/training/evaluate.h"
#include "frontend/training/rows.h"

namespace mica {
namespace internal {
namespace {

// One call of predict, as its callbacks and the progress see it.
class Prediction {
 public:
  Prediction(const Model& model, const PredictOptions& options, std::optional<std::int64_t> batches)
      : model_(model),
        options_(options),
        callbacks_(model, options.callbacks),
        progress_(options.verbose, 0, 0, batches) {
    check_positive(model, "batch_size", options.batch_size);
    check_positive(model, "steps", options.steps.value_or(1));
    callbacks_.call(&CustomCallback::on_predict_begin);
  }
  Prediction(const Prediction&) = delete;
  Prediction& operator=(const Prediction&) = delete;

  // Rows of `x` in batches of batch_size, or in one.
  NamedResults run(const Inputs& x, bool in_one_batch) {
    RunOptions run{.precision = options_.precision,
                   .before_batch = [&](int) { callbacks_.call(&CustomCallback::on_predict_batch_begin, done_); },
                   .after_batch = [&](int) { end_batch(); }};
    if (!in_one_batch) {
      run.batch_size = options_.batch_size;
      run.steps = options_.steps;
    }
    return run_model(model_, x, run);
  }

  void finish() {
    callbacks_.call(&CustomCallback::on_predict_end);
    progress_.finish(done_, {});
  }
  int done() const { return done_; }

 private:
  void end_batch() {
    callbacks_.call(&CustomCallback::on_predict_batch_end, done_);
    ++done_;
    if (progress_.due(done_)) progress_.update(done_, {});
  }

  const Model& model_;
  const PredictOptions& options_;
  CallbackList callbacks_;
  EpochProgress progress_;
  int done_ = 0;
};

NamedResults predicted(const Model& model, const Inputs& x, const PredictOptions& options) {
  Prediction prediction(model, options, {});
  NamedResults results = prediction.run(x, /*in_one_batch=*/false);
  prediction.finish();
  return results;
}

Tensor only_output(const Model& model, const Tensors& results) {
  if (results.size() == 1) return results[0];
  throw Error({.where = model.name(),
               .expected = "one output",
               .received = absl::StrCat(results.size(), " outputs"),
               .hint = absl::StrCat("Take them all: auto [a, b] = model.predict<", results.size(), ">(x).")});
}

}  // namespace
}  // namespace internal

Tensors Model::predict_all(const Inputs& x, PredictOptions options) const {
  return internal::predicted(*this, x, options).values;
}

Tensor Model::predict(const Inputs& x, PredictOptions options) const {
  return internal::only_output(*this, predict_all(x, std::move(options)));
}

TensorDict Model::predict_dict(const Inputs& x, PredictOptions options) const {
  return internal::predicted(*this, x, options).by_name();
}

Tensors Model::predict_on_batch(const Inputs& x) const { return internal::run_model(*this, x, {}).values; }

Tensor Model::predict_batches(BatchSource& batches, PredictOptions options) const {
  using namespace internal;
  Prediction prediction(*this, options, options.steps ? options.steps : batches.num_batches());
  std::vector<rt::Array> parts;
  batches.restart();
  while (prediction.done() < options.steps.value_or(std::numeric_limits<std::int64_t>::max())) {
    const std::optional<Batch> batch = batches.next();
    if (!batch) break;
    const Tensor part = only_output(*this, prediction.run(batch->x, /*in_one_batch=*/true).values);
    parts.push_back(compute(defined_node(part, name())));
  }
  prediction.finish();
  if (!parts.empty()) return of_array(joined_rows(parts));
  throw Error({.where = name(), .expected = "at least one batch", .received = "none", .hint = {}});
}

}  // namespace mica
