#include "frontend/training/feed.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/training/rows.h"

namespace mica::internal {
namespace {

class ArrayFeed : public BatchFeed {
 public:
  ArrayFeed(TrainingData data, const FeedOptions& options) : data_(std::move(data)), options_(options) {}

  std::optional<std::int64_t> num_batches() const override {
    return options_.steps.value_or((data_.rows() + options_.batch_size - 1) / options_.batch_size);
  }

  void start_epoch() override {
    number_ = 0;
    if (options_.steps && row_ > 0 && row_ < data_.rows()) return;
    row_ = 0;
    before_shuffle_ = random_position();
    if (options_.shuffle) order_ = shuffled(static_cast<std::size_t>(data_.rows()));
  }

  void start_over() override {
    row_ = 0;
    start_epoch();
  }

  std::optional<TrainingData> next() override {
    if (row_ >= data_.rows() || (options_.steps && number_ >= *options_.steps)) return std::nullopt;
    const std::int64_t end = std::min(row_ + options_.batch_size, data_.rows());
    TrainingData batch = data_.batch(row_, end, order_);
    batch.number = number_++;
    row_ = end;
    return batch;
  }

  Config state() const override {
    return {{"batch", number_}, {"row", row_}, {"shuffle", before_shuffle_.to_config()}};
  }

  void restore(const Config& state) override {
    set_random_position(RandomPosition::from_config(state.get<Config>("shuffle")));
    start_over();
    number_ = state.get<std::int64_t>("batch");
    row_ = state.get<std::int64_t>("row");
  }

 private:
  const TrainingData data_;
  const FeedOptions options_;
  std::int64_t row_ = 0, number_ = 0;
  RandomPosition before_shuffle_ = {};
  std::vector<std::size_t> order_;  // empty: as they are
};

class SourceFeed : public BatchFeed {
 public:
  SourceFeed(const Model& model, TrainingConfig& config, BatchSource& source, const FeedOptions& options)
      : model_(model), config_(config), source_(source), options_(options) {}

  std::optional<std::int64_t> num_batches() const override {
    return options_.steps ? options_.steps : source_.num_batches();
  }

  void start_epoch() override {
    number_ = 0;
    if (!options_.steps || is_at_end_) source_.restart();
    is_at_end_ = false;
  }

  void start_over() override {
    is_at_end_ = true;
    start_epoch();
  }

  std::optional<TrainingData> next() override {
    if (is_at_end_ || (options_.steps && number_ >= *options_.steps)) return std::nullopt;
    std::optional<Batch> given = source_.next();
    if (!given) {
      is_at_end_ = true;
      return std::nullopt;
    }
    TrainingData batch = checked(*given);
    batch.number = number_++;
    return batch;
  }

  Config state() const override { return {{"batch", number_}}; }

  // A source has no position of its own: it is asked again for what it gave.
  void restore(const Config& state) override {
    start_over();
    const std::int64_t done = state.get<std::int64_t>("batch");
    while (number_ < done && source_.next()) ++number_;
  }

 private:
  TrainingData checked(const Batch& given) const {
    try {
      return training_data(model_, config_, given.x, given.y, given.sample_weight, options_.class_weight);
    } catch (const Error& error) {
      throw Error({.where = error.where(),
                   .expected = error.expected(),
                   .received = absl::StrCat(error.received(), " in batch ", number_, " of the source"),
                   .hint = error.hint()});
    }
  }

  const Model& model_;
  TrainingConfig& config_;
  BatchSource& source_;
  const FeedOptions options_;
  std::int64_t number_ = 0;
  bool is_at_end_ = false;
};

}  // namespace

std::unique_ptr<BatchFeed> array_feed(TrainingData data, const FeedOptions& options) {
  return std::make_unique<ArrayFeed>(std::move(data), options);
}

std::unique_ptr<BatchFeed> source_feed(const Model& model, TrainingConfig& config, BatchSource& source,
                                       const FeedOptions& options) {
  return std::make_unique<SourceFeed>(model, config, source, options);
}

}  // namespace mica::internal
