#include "frontend/training/data.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/random.h"

namespace mica::internal {
namespace {

rt::Array gather_rows(const rt::Array& array, const std::vector<std::int64_t>& order, std::int64_t begin,
                      std::int64_t end) {
  std::vector<std::int64_t> dims = array.dims();
  std::int64_t row_bytes = array.bytes() / std::max<std::int64_t>(1, dims[0]);
  dims[0] = end - begin;
  rt::Array out = rt::Array::uninitialized(array.dtype(), dims);
  for (std::int64_t i = begin; i < end; ++i) {
    std::memcpy(out.as<char>() + (i - begin) * row_bytes,
                array.as<char>() + order[static_cast<std::size_t>(i)] * row_bytes, static_cast<std::size_t>(row_bytes));
  }
  return out;
}

void check_length(const Model& model, const std::string& what, std::int64_t rows, const rt::Array& array) {
  std::int64_t given = array.dims().empty() ? 0 : array.dims()[0];
  if (given == rows) return;
  throw Error({.where = model.name(),
               .expected = absl::StrCat(what, " with ", rows, " rows, as many as x"),
               .received = absl::StrCat(given, " rows"),
               .hint = {}});
}

std::vector<rt::Array> arrays_for(const Model& model, const TrainingConfig& config, const Inputs& given,
                                  const char* what, std::int64_t rows) {
  std::vector<std::string> names;
  for (const Head& head : config.heads) names.push_back(head.output);
  std::vector<rt::Array> arrays;
  Tensors tensors = in_order(given, names, model.name());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    arrays.push_back(compute(defined_node(tensors[i], model.name())));
    check_length(model, absl::StrCat(what, " of \"", names[i], "\""), rows, arrays.back());
  }
  return arrays;
}

rt::Array weights_by_class(const Model& model, const rt::Array& labels, const ClassWeights& class_weight) {
  std::int64_t rows = labels.dims()[0], columns = labels.numel() / std::max<std::int64_t>(1, rows);
  rt::Array weights = rt::Array::uninitialized(kFloat32, {rows});
  for (std::int64_t i = 0; i < rows; ++i) {
    std::int64_t label = 0;
    if (columns == 1) {
      label = static_cast<std::int64_t>(labels.at(i));
    } else {  // one-hot
      for (std::int64_t c = 1; c < columns; ++c)
        label = labels.at(i * columns + c) > labels.at(i * columns + label) ? c : label;
    }
    auto it =
        std::find_if(class_weight.begin(), class_weight.end(), [&](const auto& item) { return item.first == label; });
    if (it == class_weight.end()) {
      throw Error({.where = model.name(),
                   .expected = "a class_weight for every class",
                   .received = absl::StrCat("none for class ", label),
                   .hint = {}});
    }
    weights.as<float>()[i] = static_cast<float>(it->second);
  }
  return weights;
}

}  // namespace

TrainingData TrainingData::batch(std::int64_t begin, std::int64_t end, const std::vector<std::int64_t>& order) const {
  auto take = [&](const rt::Array& array) {
    return order.empty() ? internal::rows(array, begin, end) : gather_rows(array, order, begin, end);
  };
  TrainingData out{{x.names, x.types, {}, end - begin}, {}, {}};
  for (const rt::Array& array : x.arrays) out.x.arrays.push_back(take(array));
  for (const rt::Array& array : y) out.y.push_back(take(array));
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
  if (weighted && !class_weight.empty()) {
    throw Error({.where = model.name(), .expected = "sample_weight or class_weight", .received = "both", .hint = {}});
  }
  if (!class_weight.empty()) data.weights.push_back(weights_by_class(model, data.y[0], class_weight));
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

std::vector<std::int64_t> shuffled(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  RandomStream random;
  for (std::int64_t i = n - 1; i > 0; --i) {
    std::uint64_t draw = (std::uint64_t{random.next_u32()} << 32) | random.next_u32();
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(draw % static_cast<std::uint64_t>(i + 1))]);
  }
  return order;
}

void check_labels(const Head& head, const rt::Array& labels, std::int64_t classes, std::int64_t first_row) {
  std::int64_t per_row = labels.numel() / std::max<std::int64_t>(1, labels.dims()[0]);
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    double label = labels.at(i);
    if (label >= 0 && label < static_cast<double>(classes)) continue;
    if (head.loss->ignore_class && label == static_cast<double>(*head.loss->ignore_class)) continue;
    throw Error({.where = head.output,
                 .expected = absl::StrCat("labels from 0 to ", classes - 1),
                 .received = absl::StrCat(label, " in row ", first_row + i / std::max<std::int64_t>(1, per_row)),
                 .hint = "The prediction has one value for each class."});
  }
}

}  // namespace mica::internal
