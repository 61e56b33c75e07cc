// weight_norm and spectral_norm against PyTorch: tests/fixtures/nn/utils.npz.
#include <gmock/gmock.h>

#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace nn::utils;
using parametrizations::spectral_norm;
using parametrizations::weight_norm;

TEST(WeightNorm, TrainsAsPyTorchs) {
  const std::string want = "weight_norm/";
  const Tensor x = ramp({4, 3}, 3);
  expect_trained(weight_norm(filled(nn::Linear(3, 2))), x, want + "linear");
  expect_trained(weight_norm(filled(nn::Linear(3, 2)), "weight", 1), x, want + "linear_columns");
  expect_trained(weight_norm(filled(nn::Linear(3, 2)), "weight", std::nullopt), x, want + "linear_all");
}

TEST(WeightNorm, KeepsTheWeightAndTakesFormerNames) {
  nn::Linear linear = filled(nn::Linear(3, 2));
  const std::vector<float> before = linear.weight("weight").to_vector();
  weight_norm(linear);
  const std::vector<float> after = parametrize::parametrized(linear, "weight").to_vector();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-6);
  linear.load_state_dict({{"bias", zeros({2})}, {"weight_g", full({2, 1}, 2)}, {"weight_v", eye(3)[Slice(0, 2)]}});
  EXPECT_THAT(parametrize::parametrized(linear, "weight").to_vector(), ElementsAre(2, 0, 0, 0, 2, 0));
}

template <class Module>
void expect_spectral(const Module& module, const Tensor& input, const std::string& want,
                     parametrizations::SpectralNormOptions options = {}) {
  spectral_norm(filled(module), "weight", options);
  for (const char* name : {"_u", "_v"}) {
    Variable vector = module.get_buffer(std::string("parametrizations.weight.0.") + name);
    Tensor start = ramp(vector.shape()) + 1;
    vector.assign(start / start.square().sum().sqrt());
  }
  expect_trained(module, input, want);
  module.eval();
  expect_values(module(input), want + "/eval");
}

TEST(SpectralNorm, TrainsAsPyTorchs) {
  const std::string want = "spectral_norm/";
  expect_spectral(nn::Linear(3, 2), ramp({4, 3}, 3), want + "linear");
  expect_spectral(nn::Conv2d(2, 3, 2), ramp({1, 2, 3, 3}, 3), want + "conv", {.n_power_iterations = 2});
  expect_spectral(nn::ConvTranspose1d(2, 3, 2), ramp({1, 2, 4}, 3), want + "conv_transpose");
}

TEST(SpectralNorm, BringsTheLargestSingularValueToOne) {
  nn::Linear linear(8, 6);
  nn::init::constant_(linear.weight("bias"), 0);
  spectral_norm(linear);
  for (int i = 0; i < 50; ++i) linear(ones({1, 8})).eval();
  linear.eval();
  Tensor w = parametrize::parametrized(linear, "weight");
  Tensor x = randn({8});
  for (int i = 0; i < 200; ++i) x = F::normalize(w.t().matmul(w.matmul(x)), {.dim = 0});
  EXPECT_NEAR(w.matmul(x).norm().item(), 1, 1e-3);
}

TEST(SpectralNorm, OfAVectorIsTheVectorOverItsNorm) {
  nn::BatchNorm1d norm(2);
  norm.weight("weight").assign(tensor({3.0f, 4.0f}));
  spectral_norm(norm);
  EXPECT_THAT(parametrize::parametrized(norm, "weight").to_vector(),
              ElementsAre(testing::FloatNear(0.6f, 1e-6f), testing::FloatNear(0.8f, 1e-6f)));
}

TEST(Parametrizations, WrongArgumentsAreErrors) {
  EXPECT_THAT(error_of([] { weight_norm(nn::Linear(3, 2), "weight", 2); }), HasSubstr("dim from -2 to 1"));
  EXPECT_THAT(error_of([] { weight_norm(nn::Linear(3, 2), "kernel"); }), HasSubstr("kernel"));
  EXPECT_THAT(error_of([] { spectral_norm(nn::Linear(3, 2), "weight", {.n_power_iterations = 0}); }),
              HasSubstr("n_power_iterations of at least 1"));
}

}  // namespace
}  // namespace mica
