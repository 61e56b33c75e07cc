// The networks of mica::applications against real Keras: names, weights and outputs. tests/fixtures/applications.*
#include "frontend/mica/applications.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/mica/io.h"

namespace mica::applications {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kRows = 2;
const Shape kShape{64, 64, 3};

struct Network {
  const char* name;
  Model (*make)(ApplicationOptions);
};

const Json& fixture(const std::string& network) {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/applications.json"));
  return all[network];
}

// The numbers of the fixture's script: SplitMix64, from -1 to 1.
double uniform(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = (i + (seed << 32)) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 40) / (1 << 23) - 1;
}

double kernel_limit(const Shape& shape) {
  bool depthwise = shape.rank() == 4 && shape.back() == 1;
  std::int64_t fan_in = depthwise ? shape[0] * shape[1] : shape.numel() / shape.back();
  return std::sqrt(6.0 / static_cast<double>(fan_in));
}

float value_of(std::string_view path, const Shape& shape, double u) {
  std::string_view layer = path.substr(0, path.find('/')), name = path.substr(path.find('/') + 1);
  if (name == "kernel") return static_cast<float>(u * kernel_limit(shape));
  if (name == "gamma" && layer.ends_with("_3_bn")) return static_cast<float>(0.25 + u / 8);
  bool around_one = name == "gamma" || name == "moving_variance" || name == "variance";
  return static_cast<float>(around_one ? 1 + u / 4 : u / 4);
}

void set_weights(const Model& model) {
  std::uint64_t number = 0;
  for (Variable weight : model.weights()) {
    if (weight.dtype().is_floating()) {
      std::vector<float> values(static_cast<std::size_t>(weight.numel()));
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = value_of(weight.path(), weight.shape(), uniform(number, i));
      weight.assign(tensor(values, weight.shape()));
    }
    ++number;
  }
}

Tensor images(bool pixels) {
  std::vector<float> values(static_cast<std::size_t>(kRows * kShape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    double pixel = (uniform(1, i) + 1) * 100;
    values[i] = static_cast<float>(pixels ? pixel : pixel / 50 - 2);
  }
  return tensor(values, {kRows, 64, 64, 3});
}

class Applications : public testing::TestWithParam<Network> {};

TEST_P(Applications, EqualKeras) {
  const auto& [name, make] = GetParam();
  clear_session();
  Model model = make({.input_shape = kShape, .classes = 10});
  const Json& want = fixture(name);
  EXPECT_EQ(model.name(), want["name"].get<std::string>());

  std::vector<std::string> layers;
  for (const Layer& layer : model.layers()) layers.push_back(layer.name());
  EXPECT_EQ(layers, want["layers"].get<std::vector<std::string>>());

  Json weights = Json::array();
  for (const Variable& weight : model.weights()) weights.push_back({weight.path(), weight.shape().dims()});
  ASSERT_EQ(weights, want["weights"]);

  set_weights(model);
  std::vector<double> got = model.predict(images(name == std::string("EfficientNetB0"))).to_vector<double>();
  std::vector<double> expected = load_npz(MICA_SOURCE_DIR "/tests/fixtures/applications.npz")[name].to_vector<double>();
  double largest = 0;
  for (double value : expected) largest = std::max(largest, value);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4 * largest) << i;
}

std::string name_of(const testing::TestParamInfo<Network>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, Applications,
                         testing::Values(Network{"VGG16", VGG16}, Network{"ResNet50", ResNet50},
                                         Network{"MobileNetV2", MobileNetV2}, Network{"DenseNet121", DenseNet121},
                                         Network{"EfficientNetB0", EfficientNetB0}),
                         name_of);

TEST(ApplicationsErrors, OptionsAreChecked) {
  auto error_of = [](ApplicationOptions options) -> std::string {
    try {
      VGG16(std::move(options));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of({.input_shape = {31, 64, 3}}),
            "VGG16: expected height and width of at least 32, received [31,64,3].");
  EXPECT_EQ(error_of({.weights = "imagenet"}),
            "VGG16: expected weights to be the path of a file, received \"imagenet\". Nothing is downloaded: save the "
            "weights with Keras' save_weights() and give the path.");
  EXPECT_EQ(error_of({.pooling = "median"}),
            "VGG16: expected pooling to be one of \"\", \"avg\", \"max\", received \"median\".");
}

}  // namespace
}  // namespace mica::applications
