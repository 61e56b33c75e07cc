#include "frontend/training/data.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/training/rows.h"

namespace mica::internal {
namespace {

void check_length(const Model& model, const std::string& what, std::int64_t rows, const rt::Array& array) {
  std::int64_t given = array.dims().empty() ? 0 : array.dims()[0];
  if (given == rows) return;
  throw Error({.where = model.name(),
               .expected = absl::StrCat(what, " with ", rows, " rows, as many as x"),
               .received = absl::StrCat(given, " rows"),
               .hint = {}});
}

bool is_compared(const Head& head) { return head.loss || !head.metrics.empty(); }

// The outputs that `given` holds something for: all of them, or those that are compared with something.
std::vector<const Head*> heads_of(const TrainingConfig& config, const Inputs& given) {
  std::vector<const Head*> all, compared;
  for (const Head& head : config.heads) {
    all.push_back(&head);
    const bool is_given = std::any_of(given.items().begin(), given.items().end(),
                                      [&](const auto& item) { return item.first == head.output; });
    if (is_compared(head) || is_given) compared.push_back(&head);
  }
  const bool takes_all = given.form() != Inputs::Form::kNamed && given.items().size() == all.size();
  return takes_all ? all : compared;
}

// One array for each output, undefined where none is needed.
std::vector<rt::Array> arrays_for(const Model& model, const TrainingConfig& config, const Inputs& given,
                                  const char* what, std::int64_t rows) {
  const std::vector<const Head*> heads = heads_of(config, given);
  std::vector<std::string> names;
  for (const Head* head : heads) names.push_back(head->output);
  std::vector<rt::Array> arrays(config.heads.size());
  const Tensors tensors = in_order(given, names, model.name());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    rt::Array& array = arrays[static_cast<std::size_t>(heads[i] - config.heads.data())];
    array = compute(defined_node(tensors[i], model.name()));
    check_length(model, absl::StrCat(what, " of \"", names[i], "\""), rows, array);
  }
  return arrays;
}

// The class of each row, or of each step of a row: class indices, or the largest of one-hot targets.
rt::Array classes_of(const rt::Array& targets) {
  if (targets.dims().size() == 1) return targets;
  const std::vector<std::int64_t> dims(targets.dims().begin(), targets.dims().end() - 1);
  const std::int64_t columns = targets.dims().back();
  if (columns == 1) return targets.reshaped(dims);
  rt::Array classes = rt::Array::uninitialized(kInt64, dims);
  for (std::int64_t i = 0; i < classes.numel(); ++i) {
    std::int64_t largest = 0;
    for (std::int64_t c = 1; c < columns; ++c)
      largest = targets.at(i * columns + c) > targets.at(i * columns + largest) ? c : largest;
    classes.as<std::int64_t>()[i] = largest;
  }
  return classes;
}

// Classes that the list does not have weigh 1.
rt::Array weights_by_class(const rt::Array& targets, const ClassWeights& class_weight) {
  const rt::Array classes = classes_of(targets);
  rt::Array weights = rt::Array::uninitialized(kFloat32, classes.dims());
  for (std::int64_t i = 0; i < classes.numel(); ++i) {
    auto it = std::find_if(class_weight.begin(), class_weight.end(),
                           [&](const auto& item) { return static_cast<double>(item.first) == classes.at(i); });
    weights.as<float>()[i] = it == class_weight.end() ? 1.0f : static_cast<float>(it->second);
  }
  return weights;
}

void check_weights(const Model& model, const TrainingConfig& config, bool has_sample_weight,
                   const ClassWeights& class_weight) {
  if (class_weight.empty()) return;
  if (has_sample_weight) {
    throw Error({.where = model.name(), .expected = "sample_weight or class_weight", .received = "both", .hint = {}});
  }
  if (config.heads.size() == 1) return;
  throw Error({.where = model.name(),
               .expected = "class_weight for a model of one output",
               .received = absl::StrCat("a model of ", config.heads.size()),
               .hint = "Give sample_weight, by output."});
}

}  // namespace

std::int64_t TrainingData::origin_of(std::int64_t row) const {
  return origin.empty() ? first_row + row : static_cast<std::int64_t>(origin[static_cast<std::size_t>(row)]);
}

TrainingData TrainingData::batch(std::int64_t begin, std::int64_t end, std::span<const std::size_t> order) const {
  if (!order.empty()) order = order.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  auto take = [&](const rt::Array& array) {
    return order.empty() ? internal::rows(array, begin, end) : gather_rows(array, order);
  };
  TrainingData out{
      .x = {x.names, x.types, {}, end - begin}, .first_row = first_row + begin, .origin = {order.begin(), order.end()}};
  for (const rt::Array& array : x.arrays) out.x.arrays.push_back(take(array));
  for (const rt::Array& array : y) out.y.push_back(array.defined() ? take(array) : array);
  for (const rt::Array& array : weights) out.weights.push_back(take(array));
  return out;
}

TrainingData training_data(const Model& model, TrainingConfig& config, const Inputs& x, const Inputs& y,
                           const Inputs& sample_weight, const ClassWeights& class_weight) {
  if (!model.built()) model.apply(x);  // a sequential or subclassed model learns its shapes from the first call
  ModelState& state = model_state(model);
  if (config.heads.empty())
    resolve_heads(config, model, state.graph ? model.output_names() : std::vector<std::string>{model.name()});
  TrainingData data;
  data.x = model_data(*model.impl(), x);
  data.y = arrays_for(model, config, y, "targets", data.rows());
  if (data.rows() == 0) {
    throw Error({.where = model.name(), .expected = "at least one row of data", .received = "none", .hint = {}});
  }
  bool weighted = !sample_weight.empty();
  check_weights(model, config, weighted, class_weight);
  if (!class_weight.empty()) data.weights.push_back(weights_by_class(data.y[0], class_weight));
  if (weighted && sample_weight.items().size() == 1) {
    data.weights.push_back(compute(defined_node(sample_weight.items().begin()->second, model.name())).cast(kFloat32));
    check_length(model, "sample_weight", data.rows(), data.weights[0]);
  } else if (weighted) {
    for (const rt::Array& array : arrays_for(model, config, sample_weight, "sample_weight", data.rows()))
      data.weights.push_back(array.cast(kFloat32));
  }
  while (!data.weights.empty() && data.weights.size() < config.heads.size()) data.weights.push_back(data.weights[0]);
  return data;
}

std::pair<TrainingData, TrainingData> split_rows(const TrainingData& data, std::int64_t at) {
  return {data.batch(0, at), data.batch(at, data.rows())};
}

void check_labels(const TrainingConfig& config, const TrainingData& batch) {
  for (std::size_t i = 0; i < config.heads.size(); ++i) {
    const Head& head = config.heads[i];
    if (head.classes == 0 || !batch.y[i].defined()) continue;
    const rt::Array& labels = batch.y[i];
    const std::int64_t per_row = labels.numel() / std::max<std::int64_t>(1, labels.dims()[0]);
    for (std::int64_t at = 0; at < labels.numel(); ++at) {
      const double label = labels.at(at);
      if (label >= 0 && label < static_cast<double>(head.classes)) continue;
      if (head.loss->ignore_class && label == static_cast<double>(*head.loss->ignore_class)) continue;
      throw Error({.where = head.output,
                   .expected = absl::StrCat("labels from 0 to ", head.classes - 1),
                   .received = absl::StrCat(label, " in row ", batch.origin_of(at / std::max<std::int64_t>(1, per_row)),
                                            ", batch ", batch.number),
                   .hint = "The prediction has one value for each class."});
    }
  }
}

}  // namespace mica::internal
