// The rows that fit, evaluate and train_on_batch run over, checked against the model.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "frontend/graph/model_state.h"
#include "frontend/training/config.h"

namespace mica::internal {

struct TrainingData {
  ModelData x = {};
  std::vector<rt::Array> y = {};        // one for each head; undefined where nothing is compared with it
  std::vector<rt::Array> weights = {};  // float32, one a head, or none
  // Where a batch comes from, for messages: its number, and the rows of the user's data, or the first of them.
  std::int64_t number = 0, first_row = 0;
  std::vector<std::size_t> origin = {};

  std::int64_t rows() const { return x.batch; }
  std::int64_t origin_of(std::int64_t row) const;
  // Rows [begin, end); of `order` where it is not empty.
  TrainingData batch(std::int64_t begin, std::int64_t end, std::span<const std::size_t> order = {}) const;
};

using ClassWeights = std::vector<std::pair<std::int64_t, double>>;

// Brings the user's arguments into the order of inputs and outputs. Errors: lengths that differ, absent or unknown
// names, an empty set.
TrainingData training_data(const Model& model, TrainingConfig& config, const Inputs& x, const Inputs& y,
                           const Inputs& sample_weight = {}, const ClassWeights& class_weight = {});
// The rows before and from `at` on.
std::pair<TrainingData, TrainingData> split_rows(const TrainingData& data, std::int64_t at);
// Class indices must lie within the prediction's class axis: an Error names the output, the batch, the row, the value.
void check_labels(const TrainingConfig& config, const TrainingData& batch);

}  // namespace mica::internal
