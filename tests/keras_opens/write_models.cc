// Writes a model of every layer class into a folder: <case>.keras, <case>.json (what it was configured as) and
// <case>.npz (inputs, and what Mica computes of them). Fails when a class of the registry stands in none of them.
#include <fstream>
#include <iostream>
#include <set>

#include "frontend/files/keras_object.h"
#include "frontend/layers/class_names.h"
#include "frontend/mica/io.h"
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {
namespace {

constexpr std::int64_t kRows = 2;

Tensor input_of(const Case& c, std::size_t i) {
  std::vector<std::int64_t> dims{kRows};
  dims.insert(dims.end(), c.inputs[i].begin(), c.inputs[i].end());
  Shape shape(std::move(dims));
  return c.ids > 0 ? randint(0, c.ids, shape).to(kInt32) : randn(shape);
}

Model model_of(const Case& c) {
  Tensors inputs;
  for (const Shape& shape : c.inputs) {
    InputOptions options{.dtype = c.ids > 0 ? kInt32 : kFloat32};
    if (c.has_batch) options.batch_size = kRows;
    inputs.push_back(Input(shape, options));
  }
  Tensors outputs = c.make(inputs);
  return Model(inputs.size() == 1 ? Inputs(inputs[0]) : Inputs(inputs),
               outputs.size() == 1 ? Inputs(outputs[0]) : Inputs(outputs), {.name = "model"});
}

// What a file says that a class is called, at any depth.
void collect_classes(const Config::Value& value, std::set<std::string>& names) {
  using Kind = Config::Value::Kind;
  if (value.kind() == Kind::kList) {
    for (const Config::Value& item : value.list()) collect_classes(item, names);
  } else if (value.kind() == Kind::kObject) {
    for (const auto& [key, item] : value.object().items()) {
      if (key == "class_name" && item.kind() == Kind::kText) names.insert(item.text());
      collect_classes(item, names);
    }
  }
}

void write(const Case& c, const std::string& folder, std::set<std::string>& classes) {
  Model model = model_of(c);
  for (const Variable& weight : model.weights()) {
    if (weight.dtype().is_floating()) Variable(weight).assign(rand(weight.shape()) + 0.125);
  }
  TensorDict arrays;
  Tensors data;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    data.push_back(input_of(c, i));
    arrays.set("input_" + std::to_string(i), data.back());
  }
  const std::string path = folder + "/" + c.name;
  const Config object = files::model_object(model);
  collect_classes(object, classes);
  std::ofstream(path + ".json") << object.to_json();
  model.save(path + ".keras");  // before predict(), which changes kept states
  Tensors outputs = model.predict_all(data.size() == 1 ? Inputs(data[0]) : Inputs(data));
  for (std::size_t i = 0; i < outputs.size(); ++i) arrays.set("output_" + std::to_string(i), outputs[i]);
  save_npz(path + ".npz", arrays);
}

int run(const std::string& folder) {
  manual_seed(1);
  std::set<std::string> written;
  for (auto cases :
       {activation_cases, attention_cases, convolution_cases, core_cases, function_cases, merging_cases,
        normalization_cases, pooling_cases, preprocessing_cases, recurrent_cases, regularization_cases, shape_cases}) {
    for (const Case& c : cases()) write(c, folder, written);
  }
  int missing = 0;
  for (std::string_view name : internal::layer_class_names()) {
    if (written.count(std::string(name)) > 0) continue;
    ++missing;
    std::cout << "no case for the layer class " << name << "\n";
  }
  return missing == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mica::keras_opens

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_models FOLDER\n";
    return 2;
  }
  return mica::keras_opens::run(argv[1]);
}
