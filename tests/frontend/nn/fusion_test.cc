// Folded batch normalisations against PyTorch: tests/fixtures/nn/utils.npz.
#include <gmock/gmock.h>

#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::HasSubstr;
using namespace nn::utils;

Layer with_statistics(const Layer& bn) {
  filled(bn);
  Variable mean = bn.get_buffer("running_mean"), variance = bn.get_buffer("running_var");
  mean.assign(ramp(mean.shape(), 3));
  variance.assign(ramp(variance.shape(), 5).abs() + 0.5);
  return bn.eval();
}

TEST(Fusion, WeightsArePyTorchs) {
  const std::string want = "fused/";
  Layer linear = filled(nn::Linear(3, 2)).eval();
  expect_state(fuse_linear_bn_eval(linear, with_statistics(nn::BatchNorm1d(2))), want + "linear");
  Layer conv = filled(nn::Conv2d(2, 3, 2, {.bias = false})).eval();
  expect_state(fuse_conv_bn_eval(conv, with_statistics(nn::BatchNorm2d(3))), want + "conv");
  Layer transposed = filled(nn::ConvTranspose2d(2, 3, 2)).eval();
  expect_state(fuse_conv_bn_eval(transposed, with_statistics(nn::BatchNorm2d(3)), true), want + "conv_transpose");
}

TEST(Fusion, OneModuleGivesWhatTwoGave) {
  Layer conv = filled(nn::Conv2d(2, 3, 2, {.stride = 2, .padding = 1, .bias = false})).eval();
  Layer bn = with_statistics(nn::BatchNorm2d(3));
  Layer fused = fuse_conv_bn_eval(conv, bn);
  Tensor x = ramp({2, 2, 5, 5}, 3);
  EXPECT_TRUE(allclose(fused(x), bn(conv(x)), 1e-5, 1e-5));
  EXPECT_FALSE(fused.is_training());
  EXPECT_EQ(fused.to_string(), "Conv2d(2, 3, kernel_size=(2, 2), stride=(2, 2), padding=(1, 1))");
}

TEST(Fusion, ModulesThatTrainAreRefused) {
  nn::Conv2d conv(2, 3, 2);
  nn::BatchNorm2d bn(3);
  EXPECT_THAT(error_of([&] { fuse_conv_bn_eval(conv, bn); }), HasSubstr("expected modules after eval()"));
  conv.eval();
  EXPECT_THAT(error_of([&] { fuse_conv_bn_eval(conv, nn::ReLU()); }), HasSubstr("a batch normalisation"));
}

}  // namespace
}  // namespace mica
