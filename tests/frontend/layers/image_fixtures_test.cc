// Layers over sequences, images and volumes against real Keras in float64: tests/fixtures/image_layers. Each layer is
// made from Keras' own configuration, and stands in a model whose open axes only the arrays know.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "frontend/files/json.h"
#include "frontend/files/npz.h"
#include "frontend/graph/value.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers.h"
#include "frontend/mica/model.h"

namespace mica {
namespace {

const std::string kFolder = MICA_SOURCE_DIR "/tests/fixtures/image_layers/";

std::vector<Config> read_cases() {
  std::stringstream text;
  text << std::ifstream(kFolder + "cases.json").rdbuf();
  absl::StatusOr<Config::Value> list = files::parse_json(text.str(), "cases.json");
  EXPECT_TRUE(list.ok()) << list.status();
  std::vector<Config> cases;
  for (const Config::Value& item : list->list()) cases.push_back(item.object());
  return cases;
}
const std::vector<Config>& cases() {
  static const auto* all = new std::vector<Config>(read_cases());
  return *all;
}

// The weights are float32 here; Keras computed in float64.
Config float32_config(const Config& fixture) {
  Config config = fixture.at("config").object();
  config.set("dtype", Config{{"module", "keras"},
                             {"class_name", "DTypePolicy"},
                             {"config", Config{{"name", "float32"}}},
                             {"registered_name", Config::Value()}});
  return config;
}

class ImageLayer : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    const std::string name = fixture().get<std::string>("name");
    auto arrays = files::read_npz(kFolder + name + ".npz");
    ASSERT_TRUE(arrays.ok()) << arrays.status();
    for (const auto& [key, value] : *arrays) {
      rt::Array array = value.dtype() == kFloat64 ? value.cast(kFloat32) : value;
      arrays_.emplace(key, Tensor::of(internal::make_computed(std::move(array))));
    }
    config_ = float32_config(fixture());
    layer_ = internal::make_builtin(*internal::find_layer_class(fixture().get<std::string>("class_name")), config_);
  }
  void TearDown() override { set_default_device("cpu"); }

  const Config& fixture() const { return cases()[GetParam()]; }

  // The layer's result for the fixture's input: by a model, or by a call when there is a mask.
  Tensor result() {
    const Tensor& x = arrays_.at("in");
    if (fixture().get<bool>("mask")) return layer_(x, {.mask = arrays_.at("mask")});
    std::vector<std::int64_t> dims(x.shape().begin() + 1, x.shape().end());
    for (std::int64_t axis : fixture().get<std::vector<std::int64_t>>("open"))
      dims[static_cast<std::size_t>(axis - 1)] = kAny;
    Tensor input = Input(Shape(dims));
    Model model({input}, {layer_(input)});
    set_weights();
    return model.predict(x);
  }
  void set_weights() {
    Tensors weights;
    for (const Config::Value& path : fixture().at("weights").list())
      weights.push_back(arrays_.at("weight." + path.text()));
    layer_.set_weights(weights);
  }
  void expect_keras_result() {
    Tensor got = result(), want = arrays_.at("out");
    ASSERT_EQ(got.shape(), want.shape());
    std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << i;
  }

  std::map<std::string, Tensor> arrays_;
  Config config_;
  Layer layer_;
};

TEST_P(ImageLayer, ConfigIsTheOneKerasWrote) { EXPECT_EQ(layer_.config().to_json(), config_.to_json()); }

TEST_P(ImageLayer, WeightsAreNamedAndOrderedAsInKeras) {
  layer_.build(arrays_.at("in").shape());
  std::vector<std::string> want, got;
  for (const Config::Value& path : fixture().at("weights").list()) want.push_back("layer/" + path.text());
  for (const Variable& weight : layer_.weights()) got.push_back(weight.path());
  EXPECT_EQ(got, want);
}

TEST_P(ImageLayer, AgreesWithKerasOnTheReference) {
  set_default_device("reference");
  expect_keras_result();
}

TEST_P(ImageLayer, AgreesWithKerasCompiled) { expect_keras_result(); }

std::vector<std::size_t> indices() {
  std::vector<std::size_t> all(cases().size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

INSTANTIATE_TEST_SUITE_P(Keras, ImageLayer, testing::ValuesIn(indices()),
                         [](const auto& index) { return cases()[index.param].template get<std::string>("name"); });

}  // namespace
}  // namespace mica
