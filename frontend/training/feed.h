// Where the batches of fit and evaluate come from: arrays, or what the user hands out batch by batch.
#pragma once
#include <memory>
#include <optional>

#include "frontend/training/data.h"

namespace mica::internal {

class BatchFeed {
 public:
  virtual ~BatchFeed() = default;
  // Of an epoch, where it is known.
  virtual std::optional<std::int64_t> num_batches() const = 0;
  // Before the first batch of each epoch. With a fixed number of steps an epoch goes on where the last one ended.
  virtual void start_epoch() = 0;
  // The same from the first batch on, whatever came before: evaluation.
  virtual void start_over() = 0;
  // Nothing: the data, or the steps of this epoch, are at their end.
  virtual std::optional<TrainingData> next() = 0;

  // Where the feed stands, and back to there: state() after `start_epoch()` and some batches.
  virtual Config state() const = 0;
  virtual void restore(const Config& state) = 0;
};

struct FeedOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::optional<std::int64_t> steps = {};  // of an epoch
  ClassWeights class_weight = {};          // of batches that the user hands out
};

std::unique_ptr<BatchFeed> array_feed(TrainingData data, const FeedOptions& options);
// Every batch is checked against the model. The references must outlive the feed.
std::unique_ptr<BatchFeed> source_feed(const Model& model, TrainingConfig& config, BatchSource& source,
                                       const FeedOptions& options);

}  // namespace mica::internal
