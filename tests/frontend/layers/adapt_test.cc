// What preprocessing layers learn with adapt(), against real Keras in float64: tests/fixtures/adapt.npz.
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/mica/io.h"
#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

const TensorDict& arrays() {
  static const TensorDict all = load_npz(MICA_SOURCE_DIR "/tests/fixtures/adapt.npz");
  return all;
}

void expect_near(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6 * (1 + std::abs(b[i]))) << i;
}

TEST(Adapt, NormalizationLearnsMeanAndVariance) {
  const std::pair<const char*, Axes> cases[] = {{"last", -1}, {"axes", {1, -1}}, {"all", {}}};
  for (const auto& [name, axis] : cases) {
    SCOPED_TRACE(name);
    const std::string key = "normalization." + std::string(name);
    Normalization layer({.axis = axis});
    layer.adapt(arrays()[key + ".data"].to(kFloat32));
    expect_near(layer.weight("mean"), arrays()[key + ".mean"]);
    expect_near(layer.weight("variance"), arrays()[key + ".variance"]);
  }
}

TEST(Adapt, DiscretizationLearnsBoundaries) {
  const std::pair<const char*, DiscretizationOptions> cases[] = {{"quarters", {.num_bins = 4}},
                                                                 {"coarse", {.num_bins = 3, .epsilon = 0.1}},
                                                                 {"few", {.num_bins = 5, .epsilon = 0.05}},
                                                                 {"one", {.num_bins = 1}}};
  for (const auto& [name, options] : cases) {
    SCOPED_TRACE(name);
    const std::string key = "discretization." + std::string(name);
    Discretization layer(options);
    layer.adapt(arrays()[key + ".data"].to(kFloat32));
    const Tensor want = arrays()[key + ".boundaries"];
    const auto boundaries = layer.config().get<std::vector<double>>("bin_boundaries");
    expect_near(tensor(boundaries, {static_cast<std::int64_t>(boundaries.size())}), want);
  }
}

TEST(Adapt, ErrorsNameTheLayer) {
  Normalization given({.mean = tensor({1.0}), .variance = tensor({1.0}), .name = "n"});
  EXPECT_EQ(error_of([&] { given.adapt(randn({3, 1})); }),
            "n: expected a layer without mean and variance, received both. It has nothing to learn.");
  Discretization fixed({.bin_boundaries = {0.5}, .name = "d"});
  EXPECT_EQ(error_of([&] { fixed.adapt(randn({3})); }),
            "d: expected num_bins, received bin_boundaries. A layer of given boundaries learns none.");
  Tensor x = Input({3});
  EXPECT_EQ(error_of([&] { Discretization({.num_bins = 2, .name = "d"})(x); }),
            "d: expected bin_boundaries, received none. Call adapt(data) first.");
}

}  // namespace
}  // namespace mica
