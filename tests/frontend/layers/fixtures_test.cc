// Single layers against real Keras in float64: tests/fixtures/layers, a case for every class and option.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "frontend/files/npz.h"
#include "frontend/graph/value.h"
#include "frontend/mica/layers.h"

namespace mica {
namespace {

using Json = nlohmann::json;

Json cases() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/layers/cases.json"));
  return all;
}

// One int or one per axis.
Ints<2> pair_of(const Json& config, const char* key, std::int64_t fallback) {
  if (!config.contains(key)) return fallback;
  const Json& value = config[key];
  return value.is_array() ? Ints<2>(value[0].get<std::int64_t>(), value[1].get<std::int64_t>())
                          : Ints<2>(value.get<std::int64_t>());
}

template <class Options>
Options windowed(const Json& c, Options o) {
  o.strides = pair_of(c, "strides", 1);
  o.padding = c.value("padding", "valid");
  o.data_format = c.value("data_format", "channels_last");
  return o;
}
template <class Options>
Options convolved(const Json& c) {
  Options o = windowed(c, Options{});
  o.dilation_rate = pair_of(c, "dilation_rate", 1);
  o.activation = c.value("activation", "linear");
  o.use_bias = c.value("use_bias", true);
  return o;
}
PoolingOptions<2> pooled(const Json& c) {
  PoolingOptions<2> o;
  if (c.contains("strides")) o.strides = pair_of(c, "strides", 1);
  o.padding = c.value("padding", "valid");
  o.data_format = c.value("data_format", "channels_last");
  return o;
}
GlobalPoolingOptions global(const Json& c) {
  return {.data_format = c.value("data_format", "channels_last"), .keepdims = c.value("keepdims", false)};
}
DataFormatOptions format(const Json& c) { return {.data_format = c.value("data_format", "channels_last")}; }

Layer zero_padding(const Json& c) {
  const Json& p = c["padding"];
  if (p.is_number()) return ZeroPadding2D(p.get<int>(), format(c));
  if (p[0].is_number()) return ZeroPadding2D({p[0].get<int>(), p[1].get<int>()}, format(c));
  return ZeroPadding2D(
      {Ints<2>(p[0][0].get<int>(), p[0][1].get<int>()), Ints<2>(p[1][0].get<int>(), p[1][1].get<int>())}, format(c));
}

Layer batch_normalization(const Json& c) {
  return BatchNormalization({.axis = c.value("axis", -1),
                             .momentum = c.value("momentum", 0.99),
                             .epsilon = c.value("epsilon", 1e-3),
                             .center = c.value("center", true),
                             .scale = c.value("scale", true),
                             .trainable = c.value("trainable", true)});
}

Layer layer_normalization(const Json& c) {
  LayerNormalizationOptions o{
      .epsilon = c.value("epsilon", 1e-3), .center = c.value("center", true), .scale = c.value("scale", true)};
  if (c.contains("axis") && c["axis"].is_array())
    o.axis = Axes{c["axis"][0].get<std::int64_t>(), c["axis"][1].get<std::int64_t>()};
  if (c.contains("axis") && c["axis"].is_number()) o.axis = Axes(c["axis"].get<std::int64_t>());
  return LayerNormalization(o);
}

Layer lstm(const Json& c) {
  return LSTM(c["units"], {.activation = c.value("activation", "tanh"),
                           .recurrent_activation = c.value("recurrent_activation", "sigmoid"),
                           .use_bias = c.value("use_bias", true),
                           .return_sequences = c.value("return_sequences", false),
                           .return_state = c.value("return_state", false),
                           .go_backwards = c.value("go_backwards", false)});
}

Layer make_layer(const std::string& name, const Json& c) {
  auto axis = [&] { return AxisOptions{.axis = c.value("axis", -1)}; };
  auto size = [&](const char* key) { return pair_of(c, key, 2); };
  const std::map<std::string, std::function<Layer()>> makers{
      {"Dense",
       [&] {
         return Dense(c["units"],
                      {.activation = c.value("activation", "linear"), .use_bias = c.value("use_bias", true)});
       }},
      {"Embedding", [&] { return Embedding(c["input_dim"], c["output_dim"]); }},
      {"Activation", [&] { return Activation(c["activation"].get<std::string>()); }},
      {"ReLU",
       [&] {
         return ReLU({.max_value = c["max_value"].get<double>(),
                      .negative_slope = c["negative_slope"],
                      .threshold = c["threshold"]});
       }},
      {"LeakyReLU", [&] { return LeakyReLU(c["negative_slope"]); }},
      {"ELU", [&] { return ELU(c["alpha"]); }},
      {"Softmax", [&] { return Softmax({.axis = c.value("axis", -1)}); }},
      {"Dropout", [&] { return Dropout(c["rate"]); }},
      {"Rescaling", [&] { return Rescaling(c["scale"], c["offset"]); }},
      {"Flatten", [&] { return Flatten(format(c)); }},
      {"Reshape", [&] { return Reshape(Shape(c["target_shape"].get<std::vector<std::int64_t>>())); }},
      {"ZeroPadding2D", [&] { return zero_padding(c); }},
      {"UpSampling2D",
       [&] {
         return UpSampling2D(size("size"), {.data_format = c.value("data_format", "channels_last"),
                                            .interpolation = c.value("interpolation", "nearest")});
       }},
      {"Conv2D",
       [&] {
         auto o = convolved<ConvOptions<2>>(c);
         o.groups = c.value("groups", 1);
         return Conv2D(c["filters"], pair_of(c, "kernel_size", 1), o);
       }},
      {"Conv2DTranspose",
       [&] {
         auto o = convolved<ConvTransposeOptions<2>>(c);
         if (c.contains("output_padding")) o.output_padding = pair_of(c, "output_padding", 0);
         return Conv2DTranspose(c["filters"], pair_of(c, "kernel_size", 1), o);
       }},
      {"DepthwiseConv2D",
       [&] {
         auto o = convolved<DepthwiseConvOptions<2>>(c);
         o.depth_multiplier = c.value("depth_multiplier", 1);
         return DepthwiseConv2D(pair_of(c, "kernel_size", 1), o);
       }},
      {"MaxPooling2D", [&] { return MaxPooling2D(size("pool_size"), pooled(c)); }},
      {"AveragePooling2D", [&] { return AveragePooling2D(size("pool_size"), pooled(c)); }},
      {"GlobalMaxPooling2D", [&] { return GlobalMaxPooling2D(global(c)); }},
      {"GlobalAveragePooling2D", [&] { return GlobalAveragePooling2D(global(c)); }},
      {"BatchNormalization", [&] { return batch_normalization(c); }},
      {"LayerNormalization", [&] { return layer_normalization(c); }},
      {"LSTM", [&] { return lstm(c); }},
      {"Add", [&] { return Add(); }},
      {"Subtract", [&] { return Subtract(); }},
      {"Multiply", [&] { return Multiply(); }},
      {"Average", [&] { return Average(); }},
      {"Maximum", [&] { return Maximum(); }},
      {"Minimum", [&] { return Minimum(); }},
      {"Concatenate", [&] { return Concatenate(axis()); }},
  };
  return makers.at(name)();
}

class LayerFixture : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { set_default_device("cpu"); }
};

void expect_agreement_with_keras(const std::string& case_name) {
  Json fixture;
  for (const Json& item : cases()) {
    if (item["name"] == case_name) fixture = item;
  }
  auto arrays = files::read_npz(MICA_SOURCE_DIR "/tests/fixtures/layers/" + case_name + ".npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  auto array = [&](const std::string& key) {
    for (const auto& [name, value] : *arrays) {
      if (name == key)
        return Tensor::of(internal::make_computed(value.dtype() == kFloat64 ? value.cast(kFloat32) : value));
    }
    ADD_FAILURE() << "no array " << key;
    return Tensor();
  };
  auto expect_near = [&](const Tensor& got, const std::string& key) {
    Tensor want = array(key);
    ASSERT_EQ(got.shape(), want.shape()) << key;
    std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << key << "[" << i << "]";
  };

  Layer layer = make_layer(fixture["layer"], fixture["config"]);
  Tensors inputs;
  for (const std::string name : fixture["inputs"]) inputs.push_back(array("in." + name));
  Inputs given = inputs.size() == 1 ? Inputs(inputs[0]) : Inputs(inputs);
  CallOptions options{.training = fixture["training"].get<bool>()};
  if (fixture["mask"].get<bool>()) options.mask = array("in.mask");

  layer.apply(given, {.training = false});  // builds
  Tensors weights;
  for (const std::string path : fixture["weights"]) weights.push_back(array("weight." + path));
  layer.set_weights(weights);
  Tensors results = layer.apply(given, options);
  ASSERT_EQ(results.size(), fixture["outputs"].size());
  for (std::size_t i = 0; i < results.size(); ++i)
    expect_near(results[i], "out." + fixture["outputs"][i].get<std::string>());
  for (const std::string path : fixture["updated"]) expect_near(layer.weight(path), "after." + path);
}

TEST_P(LayerFixture, AgreesWithKerasOnTheReference) {
  set_default_device("reference");
  expect_agreement_with_keras(GetParam());
}

TEST_P(LayerFixture, AgreesWithKerasCompiled) { expect_agreement_with_keras(GetParam()); }

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const Json& item : cases()) names.push_back(item["name"]);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Keras, LayerFixture, testing::ValuesIn(case_names()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace mica
