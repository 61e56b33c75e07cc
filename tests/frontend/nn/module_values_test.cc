// What modules compute against real PyTorch: outputs, gradients of inputs and parameters, buffers after two calls.
// tests/fixtures/nn/values.npz, made by make_module_value_fixtures.py.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "mica/mica.h"
#include "tests/support/tensors_near.h"

namespace mica {
namespace {

constexpr double kTolerance = 1e-5;

using Call = std::function<Tensors(const Tensors& inputs)>;
struct ModuleCase {
  Layer module;
  Call call;
};

// A module that is called with its inputs in order.
ModuleCase plain(const Layer& module) {
  return {module, [module](const Tensors& xs) { return module.apply(Inputs(xs)); }};
}

using Cases = std::map<std::string, std::function<ModuleCase()>>;

void add_convolutions(Cases& c) {
  c["bilinear"] = [] { return plain(nn::Bilinear(3, 4, 2)); };
  c["conv1d_circular"] = [] {
    return plain(nn::Conv1d(3, 4, 3, {.stride = 2, .padding = 2, .padding_mode = "circular"}));
  };
  c["conv1d_same_dilated"] = [] { return plain(nn::Conv1d(3, 2, 4, {.padding = "same", .dilation = 2})); };
  c["conv2d_reflect"] = [] {
    return plain(nn::Conv2d(4, 6, {3, 2}, {.padding = {2, 1}, .groups = 2, .padding_mode = "reflect"}));
  };
  c["conv2d_replicate"] = [] {
    return plain(nn::Conv2d(4, 2, 3, {.padding = "same", .bias = false, .padding_mode = "replicate"}));
  };
  c["conv2d_one_image"] = [] { return plain(nn::Conv2d(4, 2, 3)); };
  c["conv3d"] = [] { return plain(nn::Conv3d(2, 3, 2, {.stride = {1, 2, 2}, .padding = 1})); };
  c["conv_transpose1d"] = [] {
    return plain(nn::ConvTranspose1d(3, 2, 3, {.stride = 2, .output_padding = 1, .dilation = 2}));
  };
  c["conv_transpose2d"] = [] {
    return plain(nn::ConvTranspose2d(4, 6, 3, {.stride = {2, 1}, .padding = 1, .groups = 2, .bias = false}));
  };
  c["conv_transpose3d"] = [] { return plain(nn::ConvTranspose3d(2, 2, 2, {.stride = 2})); };
  c["fold"] = [] { return plain(nn::Fold({4, 5}, {2, 3}, {.padding = 1, .stride = 2})); };
  c["unfold"] = [] { return plain(nn::Unfold({2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = 2})); };
}

void add_poolings(Cases& c) {
  c["max_pool1d"] = [] {
    return plain(nn::MaxPool1d(3, {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true}));
  };
  c["max_pool3d"] = [] { return plain(nn::MaxPool3d(2)); };
  c["avg_pool1d"] = [] {
    return plain(nn::AvgPool1d(3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}));
  };
  c["avg_pool2d"] = [] { return plain(nn::AvgPool2d({3, 2}, {.stride = 2, .padding = 1, .divisor_override = 4})); };
  c["lp_pool1d"] = [] { return plain(nn::LPPool1d(2, 3, {.stride = 2, .ceil_mode = true})); };
  c["adaptive_avg_pool3d"] = [] { return plain(nn::AdaptiveAvgPool3d({2, kAny, 3})); };
  c["adaptive_max_pool2d"] = [] { return plain(nn::AdaptiveMaxPool2d({4, 2})); };
}

// A pooling with indices: {values, indices, the maps that an unpooling makes of them}.
template <class Pool, class Unpool, class Size>
ModuleCase pool_and_unpool(const Pool& pool, const Unpool& unpool, const Size& output_size) {
  return {pool, [=](const Tensors& xs) {
            auto [values, indices] = pool.template apply<2>(xs[0]);
            return Tensors{values, indices, unpool(values, indices, output_size)};
          }};
}

// Where fractional windows lie, as the fixtures have them.
Tensor samples(const Shape& shape) {
  return ((arange(0, static_cast<double>(shape.numel())) * 7 % 16 * 2 + 1) / 32).reshape(shape);
}

void add_poolings_with_indices(Cases& c) {
  c["adaptive_max_pool1d_indices"] = [] { return plain(nn::AdaptiveMaxPool1d(4, {.return_indices = true})); };
  c["adaptive_max_pool2d_indices"] = [] { return plain(nn::AdaptiveMaxPool2d({4, 2}, {.return_indices = true})); };
  c["adaptive_max_pool3d_indices"] = [] {
    return plain(nn::AdaptiveMaxPool3d({3, kAny, 2}, {.return_indices = true}));
  };
  c["max_unpool1d"] = [] {
    return pool_and_unpool(nn::MaxPool1d(2, {.return_indices = true}), nn::MaxUnpool1d(2), std::nullopt);
  };
  c["max_unpool2d_size"] = [] {
    return pool_and_unpool(nn::MaxPool2d(2, {.return_indices = true}), nn::MaxUnpool2d(2), Ints<2>(6, 5));
  };
  c["max_unpool3d_size"] = [] {
    return pool_and_unpool(nn::MaxPool3d(2, {.return_indices = true}), nn::MaxUnpool3d(2), Ints<3>(4, 4, 5));
  };
  c["fractional_max_pool2d"] = [] {
    return plain(nn::FractionalMaxPool2d(
        {2, 3}, {.output_size = {{4, 2}}, .return_indices = true, .random_samples = samples({2, 4, 2})}));
  };
  c["fractional_max_pool2d_one_image"] = [] {
    return plain(nn::FractionalMaxPool2d(3, {.output_ratio = {{0.5, 0.4}}, .random_samples = samples({1, 4, 2})}));
  };
  c["fractional_max_pool3d"] = [] {
    return plain(nn::FractionalMaxPool3d(
        {2, 1, 2}, {.output_ratio = {{0.5, 0.75, 0.6}}, .return_indices = true, .random_samples = samples({1, 2, 3})}));
  };
}

void add_norms(Cases& c) {
  auto evaluated = [](const Layer& module) { return plain(module.eval()); };
  c["batch_norm1d"] = [] { return plain(nn::BatchNorm1d(3)); };
  c["batch_norm1d_rows"] = [] { return plain(nn::BatchNorm1d(4, {.eps = 1e-3, .momentum = 0.3, .affine = false})); };
  c["batch_norm2d_average"] = [] { return plain(nn::BatchNorm2d(4, {.momentum = std::nullopt})); };
  c["batch_norm3d_no_stats"] = [] { return plain(nn::BatchNorm3d(2, {.track_running_stats = false})); };
  c["batch_norm2d_eval"] = [=] { return evaluated(nn::BatchNorm2d(4)); };
  c["instance_norm1d"] = [] { return plain(nn::InstanceNorm1d(3, {.affine = true, .track_running_stats = true})); };
  c["instance_norm2d"] = [] { return plain(nn::InstanceNorm2d(4, {.momentum = 0.2})); };
  c["instance_norm2d_eval"] = [=] {
    return evaluated(nn::InstanceNorm2d(4, {.affine = true, .track_running_stats = true}));
  };
  c["group_norm"] = [] { return plain(nn::GroupNorm(2, 4, {.eps = 1e-3})); };
  c["group_norm_plain"] = [] { return plain(nn::GroupNorm(4, 4, {.affine = false})); };
  c["layer_norm"] = [] { return plain(nn::LayerNorm({6, 5}, {.bias = false})); };
  c["rms_norm"] = [] { return plain(nn::RMSNorm({5}, {.eps = 1e-4})); };
  c["local_response_norm"] = [] { return plain(nn::LocalResponseNorm(3, {.alpha = 0.1, .k = 2})); };
}

void add_embeddings(Cases& c) {
  c["embedding_padding"] = [] { return plain(nn::Embedding(7, 3, {.padding_idx = 2})); };
  c["embedding_by_frequency"] = [] { return plain(nn::Embedding(7, 3, {.scale_grad_by_freq = true})); };
  c["embedding_bag_mean"] = [] { return plain(nn::EmbeddingBag(7, 3)); };
  c["embedding_bag_max"] = [] { return plain(nn::EmbeddingBag(7, 3, {.mode = "max"})); };
  c["embedding_bag_padding"] = [] { return plain(nn::EmbeddingBag(7, 3, {.mode = "sum", .padding_idx = 1})); };
}

// RNN and GRU: {x} or {x, h0} to {output, h}.
template <class M>
ModuleCase recurrent(const M& module) {
  return {module, [module](const Tensors& xs) {
            nn::RecurrentResult result = module(xs[0], xs.size() > 1 ? xs[1] : Tensor());
            return Tensors{result.output, result.h};
          }};
}
ModuleCase lstm(const nn::LSTM& module) {
  return {module, [module](const Tensors& xs) {
            nn::LSTMResult result = module(xs[0]);
            return Tensors{result.output, result.h, result.c};
          }};
}
template <class M>
ModuleCase cell(const M& module) {
  return {module, [module](const Tensors& xs) { return Tensors{module(xs[0], xs.size() > 1 ? xs[1] : Tensor())}; }};
}

void add_recurrent(Cases& c) {
  c["rnn"] = [] { return recurrent(nn::RNN(3, 4, {.num_layers = 2, .bidirectional = true})); };
  c["rnn_relu_state"] = [] {
    return recurrent(nn::RNN(3, 4, {.nonlinearity = "relu", .bias = false, .batch_first = true}));
  };
  c["lstm"] = [] { return lstm(nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true})); };
  c["lstm_projection"] = [] { return lstm(nn::LSTM(3, 4, {.num_layers = 2, .proj_size = 2})); };
  c["lstm_one"] = [] { return lstm(nn::LSTM(3, 4)); };
  c["gru_state"] = [] { return recurrent(nn::GRU(3, 4, {.num_layers = 2})); };
  c["gru_bidirectional"] = [] { return recurrent(nn::GRU(3, 4, {.bias = false, .bidirectional = true})); };
  c["rnn_cell"] = [] { return cell(nn::RNNCell(3, 4, {.nonlinearity = "relu"})); };
  c["gru_cell"] = [] { return cell(nn::GRUCell(3, 4, {.bias = false})); };
  c["gru_cell_one"] = [] { return cell(nn::GRUCell(3, 4)); };
  c["lstm_cell"] = []() -> ModuleCase {
    nn::LSTMCell module(3, 4);
    return {module, [module](const Tensors& xs) {
              nn::LSTMCellResult result = module(xs[0]);
              return Tensors{result.h, result.c};
            }};
  };
}

// {query, key, value} or with a mask of the keys.
ModuleCase attention(const nn::MultiheadAttention& module) {
  return {module, [module](const Tensors& xs) {
            nn::MultiheadAttentionResult result =
                module(xs[0], xs[1], xs[2], {.key_padding_mask = xs.size() > 3 ? xs[3] : Tensor()});
            return Tensors{result.output, result.weights};
          }};
}

void add_attention(Cases& c) {
  c["attention"] = [] { return attention(nn::MultiheadAttention(4, 2)); };
  c["attention_other_sizes"] = [] {
    return attention(nn::MultiheadAttention(4, 2, {.bias = false, .kdim = 3, .vdim = 6, .batch_first = true}));
  };
  c["attention_padding"] = [] { return attention(nn::MultiheadAttention(4, 2, {.batch_first = true})); };
  c["attention_one"] = [] { return attention(nn::MultiheadAttention(4, 2)); };
}

void add_functions(Cases& c) {
  c["prelu"] = [] { return plain(nn::PReLU(4)); };
  c["softmax2d"] = [] { return plain(nn::Softmax2d()); };
  c["softmin"] = [] { return plain(nn::Softmin(1)); };
  c["glu"] = [] { return plain(nn::GLU(1)); };
  c["softplus"] = [] { return plain(nn::Softplus({.beta = 2, .threshold = 1})); };
  c["threshold"] = [] { return plain(nn::Threshold(0.1, 2)); };
  c["cosine_similarity"] = [] { return plain(nn::CosineSimilarity({.dim = -1})); };
  c["pairwise_distance"] = [] { return plain(nn::PairwiseDistance({.p = 1, .keepdim = true})); };
}

void add_images(Cases& c) {
  c["upsample_trilinear"] = [] { return plain(nn::Upsample({.scale_factor = 1.5, .mode = "trilinear"})); };
  c["upsample_aligned"] = [] {
    return plain(nn::Upsample({.size = {4, 9}, .mode = "bilinear", .align_corners = true}));
  };
  c["upsampling_bilinear2d"] = [] { return plain(nn::UpsamplingBilinear2d({.scale_factor = 2})); };
  c["upsampling_nearest2d"] = [] { return plain(nn::UpsamplingNearest2d({.size = {9, 4}})); };
  c["pixel_shuffle"] = [] { return plain(nn::PixelShuffle(2)); };
  c["pixel_unshuffle"] = [] { return plain(nn::PixelUnshuffle(3)); };
  c["channel_shuffle"] = [] { return plain(nn::ChannelShuffle(2)); };
  c["zero_pad3d"] = [] { return plain(nn::ZeroPad3d({1, 0, 2, 1, 0, 1})); };
  c["reflection_pad2d"] = [] { return plain(nn::ReflectionPad2d({1, 2, 3, 0})); };
  c["replication_pad3d"] = [] { return plain(nn::ReplicationPad3d(2)); };
  c["circular_pad1d"] = [] { return plain(nn::CircularPad1d({3, 1})); };
  c["unflatten"] = [] { return plain(nn::Unflatten(1, {2, 2})); };
}

template <class M>
ModuleCase adaptive_log_softmax(const M& module) {
  return {module, [module](const Tensors& xs) {
            nn::AdaptiveLogSoftmaxResult result = module(xs[0], xs[1]);
            return Tensors{result.output, result.loss};
          }};
}

void add_losses(Cases& c) {
  c["triplet_margin_with_distance"] = [] { return plain(nn::TripletMarginWithDistanceLoss({.margin = 0.5})); };
  c["triplet_margin_with_distance_swap"] = [] {
    auto distance = [](const Tensor& a, const Tensor& b) { return (a - b).abs().sum(-1); };
    return plain(nn::TripletMarginWithDistanceLoss(
        {.distance_function = distance, .margin = 2, .swap = true, .reduction = "none"}));
  };
  c["adaptive_log_softmax"] = [] {
    return adaptive_log_softmax(nn::AdaptiveLogSoftmaxWithLoss(9, 20, {5, 12}, {.div_value = 2}));
  };
  c["adaptive_log_softmax_bias"] = [] {
    return adaptive_log_softmax(
        nn::AdaptiveLogSoftmaxWithLoss(8, 12, {3, 6, 8}, {.div_value = 1.5, .head_bias = true}));
  };
  c["adaptive_log_softmax_one"] = c["adaptive_log_softmax"];
}

Cases cases() {
  Cases all;
  add_convolutions(all);
  add_poolings(all);
  add_poolings_with_indices(all);
  add_norms(all);
  add_embeddings(all);
  add_recurrent(all);
  add_attention(all);
  add_functions(all);
  add_images(all);
  add_losses(all);
  return all;
}

class ModuleValues : public testing::TestWithParam<std::string> {
 protected:
  static const TensorDict& arrays() {
    static const TensorDict all = load_npz(MICA_SOURCE_DIR "/tests/fixtures/nn/values.npz");
    return all;
  }
  bool has(const std::string& key) const { return arrays().contains(GetParam() + "/" + key); }
  Tensor array(const std::string& key) const {
    Tensor value = arrays()[GetParam() + "/" + key];
    return value.dtype() == kFloat64 ? value.to(kFloat32) : value;
  }
  // By what follows `prefix` in the keys of the case.
  TensorDict arrays_below(const std::string& prefix) const {
    const std::string whole = GetParam() + "/" + prefix;
    TensorDict found;
    for (const auto& [key, value] : arrays()) {
      if (key.starts_with(whole)) found.set(key.substr(whole.size()), array(key.substr(GetParam().size() + 1)));
    }
    return found;
  }
};

TEST_P(ModuleValues, EqualPyTorchs) {
  static const Cases known = cases();
  ASSERT_TRUE(known.count(GetParam()));
  const auto [module, call] = known.at(GetParam())();
  module.load_state_dict(arrays_below("state."));
  Tensors inputs;
  Parameters differentiated;
  for (int i = 0; has("in." + std::to_string(i)); ++i) {
    inputs.push_back(array("in." + std::to_string(i)));
    if (!has("in_grad." + std::to_string(i))) continue;
    differentiated.emplace_back(inputs.back());
    inputs.back() = differentiated.back();
  }
  Tensors outputs = call(inputs);
  ASSERT_FALSE(has("out." + std::to_string(outputs.size())));
  Tensor total = zeros({});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string number = std::to_string(i);
    ASSERT_TRUE(has("out." + number));
    expect_near(outputs[i], array("out." + number), kTolerance, "output " + number);
    total = total + (outputs[i] * array("cot." + number)).sum();
  }
  total.backward();
  for (std::size_t i = 0; i < differentiated.size(); ++i) {
    const std::string number = std::to_string(i);
    expect_near(differentiated[i].grad(), array("in_grad." + number), kTolerance, "gradient of input " + number);
  }
  for (const auto& [name, parameter] : module.named_parameters()) {
    expect_near(parameter.grad(), array("grad." + name), kTolerance, "gradient of " + name);
  }
  call(inputs);
  const TensorDict after = arrays_below("after.");
  EXPECT_EQ(module.named_buffers().size(), after.size());
  for (const auto& [name, buffer] : module.named_buffers()) expect_near(buffer, after[name], kTolerance, name);
}

std::vector<std::string> case_names() {
  return nlohmann::json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/nn/values.json"));
}
INSTANTIATE_TEST_SUITE_P(PyTorch, ModuleValues, testing::ValuesIn(case_names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace mica
