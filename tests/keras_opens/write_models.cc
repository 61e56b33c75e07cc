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
      one("PReLU", {3, 4}, PReLU({.alpha_initializer = initializers::Constant(0.25), .shared_axes = {1, 2}})),
      one("Softmax", {3, 4}, Softmax({.axis = 1})),
  };
}

std::vector<Case> convolution_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("Conv1D", line, Conv1D(6, 3, {.padding = "causal", .dilation_rate = 2, .groups = 2, .activation = "relu"})),
      one("Conv2D", image, Conv2D(6, {3, 2}, {.strides = {2, 1}, .padding = "same", .use_bias = false})),
      one("Conv3D", volume, Conv3D(2, 2, {.activation = "tanh"})),
      one("Conv1DTranspose", line, Conv1DTranspose(3, 3, {.strides = 2})),
      one("Conv2DTranspose", image, Conv2DTranspose(3, 3, {.strides = 2, .output_padding = 1})),
      one("Conv3DTranspose", volume, Conv3DTranspose(2, 2, {.padding = "same"})),
      one("DepthwiseConv1D", line, DepthwiseConv1D(3, {.depth_multiplier = 2})),
      one("DepthwiseConv2D", image, DepthwiseConv2D(3, {.strides = 2, .padding = "same"})),
      one("SeparableConv1D", line, SeparableConv1D(5, 3, {.padding = "same"})),
      one("SeparableConv2D", image, SeparableConv2D(5, 3, {.depth_multiplier = 2})),
  };
}

std::vector<Case> pooling_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("MaxPooling1D", line, MaxPooling1D(2, {.strides = 3})),
      one("MaxPooling2D", image, MaxPooling2D({3, 2}, {.padding = "same"})),
      one("MaxPooling3D", volume, MaxPooling3D(2)),
      one("AveragePooling1D", line, AveragePooling1D(2, {.padding = "same"})),
      one("AveragePooling2D", image, AveragePooling2D({3, 2}, {.strides = 2})),
      one("AveragePooling3D", volume, AveragePooling3D(2)),
      one("GlobalAveragePooling1D", line, GlobalAveragePooling1D()),
      one("GlobalAveragePooling2D", image, GlobalAveragePooling2D({.keepdims = true})),
      one("GlobalAveragePooling3D", volume, GlobalAveragePooling3D()),
      one("GlobalMaxPooling1D", line, GlobalMaxPooling1D()),
      one("GlobalMaxPooling2D", image, GlobalMaxPooling2D()),
      one("GlobalMaxPooling3D", volume, GlobalMaxPooling3D({.keepdims = true})),
      one("AdaptiveAveragePooling1D", line, AdaptiveAveragePooling1D(4)),
      one("AdaptiveAveragePooling2D", image, AdaptiveAveragePooling2D({4, 3})),
      one("AdaptiveAveragePooling3D", volume, AdaptiveAveragePooling3D(2)),
      one("AdaptiveMaxPooling1D", line, AdaptiveMaxPooling1D(4)),
      one("AdaptiveMaxPooling2D", image, AdaptiveMaxPooling2D({4, 3})),
      one("AdaptiveMaxPooling3D", volume, AdaptiveMaxPooling3D(2)),
  };
}

std::vector<Case> shape_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("Flatten", image, Flatten()),
      one("Reshape", line, Reshape({3, kAny})),
      one("Permute", image, Permute({3, 1, 2})),
      one("RepeatVector", {4}, RepeatVector(3)),
      one("ZeroPadding1D", line, ZeroPadding1D({1, 2})),
      one("ZeroPadding2D", image, ZeroPadding2D({{1, 2}, {0, 3}})),
      one("ZeroPadding3D", volume, ZeroPadding3D(1)),
      one("Cropping1D", line, Cropping1D({1, 2})),
      one("Cropping2D", image, Cropping2D({{1, 2}, {0, 3}})),
      one("Cropping3D", volume, Cropping3D(1)),
      one("UpSampling1D", line, UpSampling1D(3)),
      one("UpSampling2D", image, UpSampling2D({2, 3}, {.interpolation = "bilinear"})),
      one("UpSampling3D", volume, UpSampling3D(2)),
  };
}

std::vector<Case> recurrent_cases() {
  Shape line{6, 4}, lines{4, 6, 3}, images{3, 6, 5, 2}, volumes{2, 4, 4, 4, 2};
  return {
      one("SimpleRNN", line, SimpleRNN(3, {.activation = "relu", .return_sequences = true})),
      one("LSTM", line, LSTM(3, {.unit_forget_bias = false, .go_backwards = true})),
      {"LSTMStates", {line}, [](const Tensors& xs) { return LSTM(3, {.return_state = true}).apply(xs[0])[2]; }},
      one("GRU", line, GRU(3, {.return_sequences = true, .reset_after = false})),
      {"RNN", {line}, [](const Tensors& xs) { return RNN({LSTMCell(3), GRUCell(2), SimpleRNNCell(4)})(xs[0]); }},
      one("Bidirectional", line, Bidirectional(LSTM(3, {.return_sequences = true}), {.merge_mode = "sum"})),
      one("TimeDistributed", line, TimeDistributed(Dense(5))),
      one("ConvLSTM1D", lines, ConvLSTM1D(2, 3)),
      one("ConvLSTM2D", images, ConvLSTM2D(2, 3, {.padding = "same", .return_sequences = true})),
      one("ConvLSTM3D", volumes, ConvLSTM3D(2, 2)),
      {"Masks",
       {{5}},
       [](const Tensors& xs) {
         Tensor x = Embedding(7, 3, {.mask_zero = true})(xs[0]);
         return LSTM(3)(Bidirectional(GRU(2, {.return_sequences = true}))(x));
       },
       3},
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
  for (const auto& cases : {core_cases(), convolution_cases(), pooling_cases(), shape_cases(), recurrent_cases()}) {
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
