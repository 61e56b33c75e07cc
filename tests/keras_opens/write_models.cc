// Writes a model of every layer class into a folder: <class>.keras, <class>.json (what it was configured as) and
// <class>.npz (inputs, and what Mica computes of them).
#include <fstream>
#include <iostream>

#include "frontend/files/keras_object.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/io.h"
#include "frontend/mica/mica.h"

namespace mica {
namespace {

using Make = std::function<Tensor(const Tensors&)>;

struct Case {
  std::string class_name;
  std::vector<Shape> inputs;
  Make make;
  std::int64_t ids = 0;  // inputs are integers below this; 0: numbers around 0
};

template <class L>
Case one(const char* class_name, Shape shape, L layer, std::int64_t ids = 0) {
  return {class_name, {std::move(shape)}, [layer](const Tensors& xs) { return layer(xs[0]); }, ids};
}
template <class L>
Case merged(const char* class_name, L layer) {
  return {class_name, {{3, 4}, {3, 4}}, [layer](const Tensors& xs) { return layer(xs); }};
}

std::vector<Case> core_cases() {
  return {
      one("Dense", {4},
          Dense(3, {.activation = "gelu",
                    .kernel_regularizer = regularizers::L2(0.5),
                    .kernel_constraint = constraints::MaxNorm(3)})),
      one("Embedding", {5}, Embedding(7, 3, {.mask_zero = true}), 7),
      one("Activation", {4}, Activation("silu")),
      one("Identity", {4}, Identity()),
      one("Masking", {3, 4}, Masking(0.5)),
      one("Rescaling", {4}, Rescaling(0.25, 1.5)),
      one("ReLU", {4}, ReLU({.max_value = 1, .negative_slope = 0.125, .threshold = 0.5})),
      one("LeakyReLU", {4}, LeakyReLU(0.25)),
      one("ELU", {4}, ELU(0.5)),
      one("PReLU", {3, 4}, PReLU({.alpha_initializer = initializers::Constant(0.25), .shared_axes = {1}})),
      one("Softmax", {3, 4}, Softmax({.axis = 1})),
  };
}

Tensor input_of(const Case& c, std::size_t i) {
  std::vector<std::int64_t> dims{2};
  dims.insert(dims.end(), c.inputs[i].begin(), c.inputs[i].end());
  Shape shape(std::move(dims));
  return c.ids > 0 ? randint(0, c.ids, shape).to(kInt32) : randn(shape);
}

void write(const Case& c, const std::string& folder) {
  Tensors inputs;
  for (const Shape& shape : c.inputs) inputs.push_back(Input(shape, {.dtype = c.ids > 0 ? kInt32 : kFloat32}));
  Model model(inputs.size() == 1 ? Inputs(inputs[0]) : Inputs(inputs), c.make(inputs), {.name = "model"});
  for (const Variable& weight : model.weights()) Variable(weight).assign(randn(weight.shape()) * 0.5 + 0.25);
  TensorDict arrays;
  Tensors data;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    data.push_back(input_of(c, i));
    arrays.set("input_" + std::to_string(i), data.back());
  }
  Tensors outputs = model.predict_all(data.size() == 1 ? Inputs(data[0]) : Inputs(data));
  for (std::size_t i = 0; i < outputs.size(); ++i) arrays.set("output_" + std::to_string(i), outputs[i]);
  const std::string path = folder + "/" + c.class_name;
  model.save(path + ".keras");
  save_npz(path + ".npz", arrays);
  std::ofstream(path + ".json") << files::model_object(model).to_json();
}

int run(const std::string& folder) {
  manual_seed(1);
  for (const auto& cases : {core_cases()}) {
    for (const Case& c : cases) write(c, folder);
  }
  return 0;
}

}  // namespace
}  // namespace mica

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_models FOLDER\n";
    return 2;
  }
  return mica::run(argv[1]);
}
