// nn::Transformer and its parts against real PyTorch in float64: tests/fixtures/transformer.
#include "frontend/mica/nn/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "mica/mica.h"
#include "tests/support/error_of.h"
#include "tests/support/tensors_near.h"

namespace mica {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr std::int64_t kModel = 4, kHeads = 2, kHidden = 6;

const Json& cases() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/transformer/cases.json"));
  return all;
}

constexpr double kTolerance = 2e-5;

template <class Options>
Options options_of(const Json& j) {
  Options options{.dim_feedforward = kHidden, .dropout = 0};
  options.activation = j.value("activation", options.activation);
  options.layer_norm_eps = j.value("layer_norm_eps", options.layer_norm_eps);
  options.batch_first = j.value("batch_first", false);
  options.norm_first = j.value("norm_first", false);
  options.bias = j.value("bias", true);
  return options;
}

// What a case is made of, and its call.
class TransformerRun {
 public:
  explicit TransformerRun(const Json& description)
      : description_(description),
        arrays_(load_npz(MICA_SOURCE_DIR "/tests/fixtures/transformer/" + description["name"].get<std::string>() +
                         ".npz")) {
    for (const std::string name : description["inputs"]) {
      inputs_.emplace_back(arrays_["in." + name].to(kFloat32));
    }
  }

  void check() {
    Tensor output = called();
    expect_near(output, arrays_["out"], kTolerance, "output");
    (output * arrays_["cot"].to(kFloat32)).sum().backward();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::string name = description_["inputs"][i];
      expect_near(inputs_[i].grad(), arrays_["in_grad." + name], kTolerance, "gradient of " + name);
    }
    for (const auto& [name, parameter] : module_.named_parameters()) {
      expect_near(parameter.grad(), arrays_["grad." + name], kTolerance, "gradient of " + name);
    }
  }

 private:
  Tensor mask(const std::string& name) const {
    if (!arrays_.contains("mask." + name)) return {};
    Tensor value = arrays_["mask." + name];
    return value.dtype().is_bool() ? value : value.to(kFloat32);
  }
  bool on(const std::string& name) const {
    const Json& switches = description_["switches"];
    return std::find(switches.begin(), switches.end(), name) != switches.end();
  }
  nn::EncoderCall encoder_call() const {
    return {.mask = mask("mask"), .src_key_padding_mask = mask("src_key_padding_mask"), .is_causal = on("is_causal")};
  }
  nn::DecoderCall decoder_call() const {
    return {.tgt_mask = mask("tgt_mask"),
            .memory_mask = mask("memory_mask"),
            .tgt_key_padding_mask = mask("tgt_key_padding_mask"),
            .memory_key_padding_mask = mask("memory_key_padding_mask"),
            .tgt_is_causal = on("tgt_is_causal"),
            .memory_is_causal = on("memory_is_causal")};
  }

  // Keeps the module with the weights of the case.
  template <class M>
  const M& loaded(const M& module) {
    TensorDict state;
    for (const auto& [key, value] : arrays_) {
      if (key.starts_with("weight.")) state.set(key.substr(7), value.to(kFloat32));
    }
    module.load_state_dict(state);
    module_ = module;
    return module;
  }

  Tensor called() {
    const Json& options = description_["options"];
    const std::string kind = description_["class"];
    const auto of_layer = options_of<nn::TransformerOptions>(options);
    const Layer norm = options.contains("norm") ? Layer(nn::LayerNorm({kModel})) : Layer();
    if (kind == "TransformerEncoderLayer") {
      return loaded(nn::TransformerEncoderLayer(kModel, kHeads, of_layer))(inputs_[0], encoder_call());
    }
    if (kind == "TransformerDecoderLayer") {
      return loaded(nn::TransformerDecoderLayer(kModel, kHeads, of_layer))(inputs_[0], inputs_[1], decoder_call());
    }
    if (kind == "TransformerEncoder") {
      nn::TransformerEncoderLayer layer(kModel, kHeads, of_layer);
      return loaded(nn::TransformerEncoder(layer, 2, norm))(inputs_[0], encoder_call());
    }
    if (kind == "TransformerDecoder") {
      nn::TransformerDecoderLayer layer(kModel, kHeads, of_layer);
      return loaded(nn::TransformerDecoder(layer, 2, norm))(inputs_[0], inputs_[1], decoder_call());
    }
    auto o = options_of<nn::TransformerModelOptions>(options);
    o.num_encoder_layers = options.value("num_encoder_layers", 2);
    o.num_decoder_layers = options.value("num_decoder_layers", 2);
    return loaded(nn::Transformer(kModel, kHeads, o))(inputs_[0], inputs_[1],
                                                      {.src_mask = mask("src_mask"),
                                                       .tgt_mask = mask("tgt_mask"),
                                                       .memory_mask = mask("memory_mask"),
                                                       .src_key_padding_mask = mask("src_key_padding_mask"),
                                                       .tgt_key_padding_mask = mask("tgt_key_padding_mask"),
                                                       .memory_key_padding_mask = mask("memory_key_padding_mask"),
                                                       .src_is_causal = on("src_is_causal"),
                                                       .tgt_is_causal = on("tgt_is_causal"),
                                                       .memory_is_causal = on("memory_is_causal")});
  }

  const Json& description_;
  TensorDict arrays_;
  Parameters inputs_;
  Layer module_;
};

class TransformerCase : public testing::TestWithParam<std::size_t> {};

TEST_P(TransformerCase, EqualsPyTorch) { TransformerRun(cases()[GetParam()]).check(); }

std::string case_name(const testing::TestParamInfo<std::size_t>& info) { return cases()[info.param]["name"]; }
INSTANTIATE_TEST_SUITE_P(PyTorch, TransformerCase, testing::Range<std::size_t>(0, cases().size()), case_name);

TEST(Transformer, SquareSubsequentMask) {
  constexpr float kOut = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(nn::Transformer::generate_square_subsequent_mask(3).to_vector(),
            (std::vector<float>{0, kOut, kOut, 0, 0, kOut, 0, 0, 0}));
}

TEST(Transformer, DrawsItsMatricesAsXavierDoes) {
  manual_seed(0);
  nn::Transformer net(16, 2, {.num_encoder_layers = 2, .num_decoder_layers = 1, .dim_feedforward = 32});
  for (const auto& [name, parameter] : net.named_parameters()) {
    if (parameter.dim() < 2) continue;
    double rows = static_cast<double>(parameter.size(0)), columns = static_cast<double>(parameter.size(1));
    double bound = std::sqrt(6 / (rows + columns)), largest = parameter.abs().max().item();
    EXPECT_LE(largest, bound) << name;
    EXPECT_GT(largest, 0.9 * bound) << name;
  }
  TensorDict state = net.state_dict();
  EXPECT_FALSE(allclose(state["encoder.layers.0.linear1.weight"], state["encoder.layers.1.linear1.weight"]));
}

TEST(Transformer, TakesEncodersOfOnesOwn) {
  nn::Transformer net(4, 2, {.num_decoder_layers = 1, .dim_feedforward = 6, .custom_encoder = nn::Identity()});
  EXPECT_EQ(net(ones({5, 1, 4}), ones({3, 1, 4})).shape(), (Shape{3, 1, 4}));
  EXPECT_EQ(net.children()[0].class_name(), "Identity");
}

TEST(Transformer, IsALayerOfAKerasModel) {
  nn::Transformer net(4, 2,
                      {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 6, .batch_first = true});
  net.eval();
  Tensor source = Input({5, 4}), target = Input({3, 4});
  Tensor mask = nn::Transformer::generate_square_subsequent_mask(3);
  Model model({source, target}, {net(source, target, {.tgt_mask = mask})});
  Tensor x = sin(arange(40).reshape({2, 5, 4})), y = cos(arange(24).reshape({2, 3, 4}));
  expect_near(model.predict({x, y}), net(x, y, {.tgt_mask = mask}), 1e-6, "prediction");
}

TEST(Transformer, RefusesInputsThatDoNotFit) {
  nn::Transformer net(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 6});
  EXPECT_THAT(error_of([&] { net(ones({5, 2, 4}), ones({3, 1, 4})); }),
              HasSubstr("expected one size of the batch for src and tgt, received f32[5,2,4] and f32[3,1,4]"));
  EXPECT_THAT(error_of([&] { net(ones({5, 2, 3}), ones({3, 2, 4})); }),
              HasSubstr("expected 4 features, the d_model, received f32[5,2,3] and f32[3,2,4]"));
}

}  // namespace
}  // namespace mica
