// The rows that fit, evaluate and train_on_batch run over, checked against the model.
#pragma once
#include <optional>
#include <vector>

#include "frontend/graph/model_state.h"
#include "frontend/training/config.h"

namespace mica::internal {

struct TrainingData {
  ModelData x;
  std::vector<rt::Array> y;        // one for each head
  std::vector<rt::Array> weights;  // float32, one a head, or none
  std::int64_t rows() const { return x.batch; }
  // Rows [begin, end), or the rows of `order` there.
  TrainingData batch(std::int64_t begin, std::int64_t end, const std::vector<std::int64_t>& order = {}) const;
};

using ClassWeights = std::vector<std::pair<std::int64_t, double>>;

// Brings the user's arguments into the order of inputs and outputs. Errors: lengths that differ, absent or unknown
// names, an empty set.
TrainingData training_data(const Model& model, TrainingConfig& config, const Inputs& x, const Inputs& y,
                           const Inputs& sample_weight = {}, const ClassWeights& class_weight = {});
// The rows before and from `at` on.
std::pair<TrainingData, TrainingData> split_rows(const TrainingData& data, std::int64_t at);
// A permutation of 0 … n-1 from the process's generator.
std::vector<std::int64_t> shuffled(std::int64_t n);
// Class indices must lie within the prediction's class axis: an Error names the output, the row and the value.
void check_labels(const Head& head, const rt::Array& labels, std::int64_t classes, std::int64_t first_row);

}  // namespace mica::internal
