// Modules print as PyTorch prints them: tests/fixtures/nn/modules.json, made by make_module_fixtures.py.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mica/mica.h"

namespace mica {
namespace {

std::map<std::string, Layer> layers_of_one_kind_each() {
  nn::TransformerEncoderLayer encoder_layer(8, 2, {.dim_feedforward = 16});
  return {
      {"linear", nn::Linear(3, 4)},
      {"linear_no_bias", nn::Linear(3, 4, {.bias = false})},
      {"bilinear", nn::Bilinear(2, 3, 4)},
      {"identity", nn::Identity()},
      {"flatten", nn::Flatten()},
      {"unflatten", nn::Unflatten(1, {2, 3})},
      {"conv1d",
       nn::Conv1d(2, 4, 3,
                  {.stride = 2, .padding = 1, .dilation = 2, .groups = 2, .bias = false, .padding_mode = "reflect"})},
      {"conv2d", nn::Conv2d(3, 8, {3, 5}, {.padding = "same"})},
      {"conv3d", nn::Conv3d(1, 2, 3)},
      {"conv_transpose2d", nn::ConvTranspose2d(4, 2, 3, {.stride = 2, .padding = 1, .output_padding = 1})},
      {"unfold", nn::Unfold(3, {.padding = 1})},
      {"fold", nn::Fold({4, 5}, {2, 3})},
      {"max_pool2d", nn::MaxPool2d(2)},
      {"max_pool1d", nn::MaxPool1d(3, {.stride = 2, .padding = 1, .ceil_mode = true})},
      {"max_unpool2d", nn::MaxUnpool2d(2)},
      {"avg_pool1d", nn::AvgPool1d(2)},
      {"avg_pool2d", nn::AvgPool2d({3, 2}, {.stride = 2})},
      {"lp_pool2d", nn::LPPool2d(2, 3)},
      {"adaptive_avg_pool2d", nn::AdaptiveAvgPool2d(1)},
      {"adaptive_max_pool2d", nn::AdaptiveMaxPool2d({2, 3})},
      {"batch_norm1d", nn::BatchNorm1d(5)},
      {"batch_norm2d", nn::BatchNorm2d(5, {.momentum = std::nullopt, .affine = false, .track_running_stats = false})},
      {"layer_norm", nn::LayerNorm({4, 5})},
      {"layer_norm_plain", nn::LayerNorm({4}, {.elementwise_affine = false})},
      {"rms_norm", nn::RMSNorm({6})},
      {"group_norm", nn::GroupNorm(2, 6)},
      {"instance_norm2d", nn::InstanceNorm2d(3)},
      {"local_response_norm", nn::LocalResponseNorm(2)},
      {"embedding", nn::Embedding(10, 3, {.padding_idx = 0})},
      {"embedding_bag", nn::EmbeddingBag(10, 3, {.mode = "sum"})},
      {"rnn", nn::RNN(3, 4, {.num_layers = 2, .batch_first = true})},
      {"lstm", nn::LSTM(3, 4, {.bidirectional = true, .proj_size = 2})},
      {"gru", nn::GRU(3, 4, {.bias = false})},
      {"rnn_cell", nn::RNNCell(3, 4, {.nonlinearity = "relu"})},
      {"lstm_cell", nn::LSTMCell(3, 4)},
      {"gru_cell", nn::GRUCell(3, 4, {.bias = false})},
      {"multihead_attention", nn::MultiheadAttention(8, 2)},
      {"encoder_layer", encoder_layer},
      {"decoder_layer", nn::TransformerDecoderLayer(8, 2, {.dim_feedforward = 16, .dropout = 0})},
      {"encoder", nn::TransformerEncoder(encoder_layer, 2)},
      {"transformer", nn::Transformer(8, 2,
                                      {.num_encoder_layers = 1,
                                       .num_decoder_layers = 2,
                                       .dim_feedforward = 16,
                                       .norm_first = true,
                                       .bias = false})},
      {"relu", nn::ReLU()},
      {"gelu", nn::GELU()},
      {"leaky_relu", nn::LeakyReLU()},
      {"elu", nn::ELU()},
      {"prelu", nn::PReLU()},
      {"softplus", nn::Softplus()},
      {"softmax", nn::Softmax(1)},
      {"hardtanh", nn::Hardtanh()},
      {"threshold", nn::Threshold(0.1, 20)},
      {"softshrink", nn::Softshrink()},
      {"glu", nn::GLU()},
      {"dropout", nn::Dropout()},
      {"dropout2d", nn::Dropout2d(0.2)},
      {"upsample", nn::Upsample({.scale_factor = 2, .mode = "bilinear"})},
      {"upsample_size", nn::Upsample({.size = {3, 4}})},
      {"pixel_shuffle", nn::PixelShuffle(2)},
      {"zero_pad2d", nn::ZeroPad2d({1, 2, 3, 4})},
      {"constant_pad1d", nn::ConstantPad1d(2, 3.5)},
      {"reflection_pad1d", nn::ReflectionPad1d(2)},
      {"fractional_max_pool2d", nn::FractionalMaxPool2d(2, {.output_ratio = {{0.5, 0.5}}})},
      {"adaptive_log_softmax", nn::AdaptiveLogSoftmaxWithLoss(9, 20, {5, 12}, {.div_value = 2, .head_bias = true})},
      {"mse_loss", nn::MSELoss()},
      {"cross_entropy_loss", nn::CrossEntropyLoss()},
      {"sequential", nn::Sequential({nn::Linear(3, 4), nn::ReLU(), nn::Sequential({nn::Linear(4, 2), nn::Tanh()})})},
      {"sequential_empty", nn::Sequential()},
      {"module_list", nn::ModuleList({nn::Linear(3, 3), nn::Linear(3, 3), nn::Linear(3, 3), nn::ReLU()})},
      {"parameter_list", nn::ParameterList(Tensors{ones({2, 3}), ones({4})})},
      {"parameter_list_of_one", nn::ParameterList(Tensors{ones({2})})},
      {"parameter_dict", nn::ParameterDict({{"offset", ones({3})}, {"scale", ones({2, 3})}})},
      {"linear_cross_entropy_loss",
       nn::LinearCrossEntropyLoss(5, 10, {.out_features = {4, 3}, .bias = true, .ignore_index = 2})},
      {"lazy", nn::Sequential({nn::LazyConv2d(4, 3, {.padding = 1}), nn::LazyBatchNorm2d(), nn::LazyLinear(2)})},
      {"weight_norm", nn::Sequential({nn::utils::parametrizations::weight_norm(nn::Linear(3, 4)), nn::ReLU()})},
      {"parametrized_twice", nn::utils::parametrizations::weight_norm(
                                 nn::utils::parametrizations::spectral_norm(nn::Conv2d(1, 2, 3)), "bias")},
      {"averaged_model", optim::swa_utils::AveragedModel(nn::Sequential({nn::Linear(3, 4), nn::Tanh()}))},
      {"module_dict", nn::ModuleDict({{"a", nn::Linear(2, 2)}, {"b", nn::ReLU()}})},
  };
}

TEST(Repr, IsWhatPyTorchPrints) {
  std::ifstream file(MICA_SOURCE_DIR "/tests/fixtures/nn/modules.json");
  const nlohmann::json wanted = nlohmann::json::parse(file);
  std::map<std::string, Layer> modules = layers_of_one_kind_each();
  EXPECT_EQ(modules.size(), wanted.size());
  for (const auto& [name, text] : wanted.items()) {
    ASSERT_TRUE(modules.count(name)) << name;
    std::ostringstream printed;
    printed << modules.at(name);
    EXPECT_EQ(printed.str(), text.get<std::string>());
  }
}

TEST(Repr, AKerasLayerSaysItsName) {
  Dense layer(3, {.name = "logits"});
  EXPECT_EQ(layer.to_string(), "Dense(name=logits, built=False)");
}

}  // namespace
}  // namespace mica
