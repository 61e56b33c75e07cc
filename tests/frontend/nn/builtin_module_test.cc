// Lazy modules: parameters without shapes until the first call, or until a state is loaded.
#include "frontend/nn/builtin_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A lazy module becomes the plain one: it prints as that, its state has the same names and shapes.
void expect_becomes(const Layer& lazy, const Tensor& input, const Layer& plain, const std::string& printed_before) {
  EXPECT_EQ(lazy.to_string(), printed_before);
  EXPECT_EQ(lazy.state_dict().keys(), plain.state_dict().keys());
  EXPECT_EQ(lazy(input).shape(), plain(input).shape());
  EXPECT_EQ(lazy.to_string(), plain.to_string());
  for (const auto& [name, value] : plain.state_dict())
    EXPECT_EQ(lazy.state_dict()[name].shape(), value.shape()) << name;
  lazy.load_state_dict(plain.state_dict());
  EXPECT_TRUE(allclose(lazy.eval()(input), plain.eval()(input)));
}

TEST(LazyModules, BecomeThePlainOnesAtTheirFirstCall) {
  expect_becomes(nn::LazyLinear(3), ones({5, 4}), nn::Linear(4, 3),
                 "LazyLinear(in_features=0, out_features=3, bias=True)");
  expect_becomes(nn::LazyConv1d(4, 3, {.bias = false}), ones({2, 3, 5}), nn::Conv1d(3, 4, 3, {.bias = false}),
                 "LazyConv1d(0, 4, kernel_size=(3,), stride=(1,), bias=False)");
  expect_becomes(nn::LazyConv2d(4, 3), ones({2, 5, 5}), nn::Conv2d(2, 4, 3),
                 "LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1))");
  expect_becomes(nn::LazyConv3d(2, 2), ones({1, 3, 2, 2, 2}), nn::Conv3d(3, 2, 2),
                 "LazyConv3d(0, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))");
  expect_becomes(nn::LazyConvTranspose1d(2, 3), ones({1, 4, 5}), nn::ConvTranspose1d(4, 2, 3),
                 "LazyConvTranspose1d(0, 2, kernel_size=(3,), stride=(1,))");
  expect_becomes(nn::LazyConvTranspose2d(4, {3, 2}, {.stride = 2, .groups = 2}), ones({1, 6, 5, 5}),
                 nn::ConvTranspose2d(6, 4, {3, 2}, {.stride = 2, .groups = 2}),
                 "LazyConvTranspose2d(0, 4, kernel_size=(3, 2), stride=(2, 2), groups=2)");
  expect_becomes(nn::LazyConvTranspose3d(2, 2), ones({1, 3, 2, 2, 2}), nn::ConvTranspose3d(3, 2, 2),
                 "LazyConvTranspose3d(0, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))");
}

TEST(LazyModules, OfNormalisationsToo) {
  const std::string printed = "(0, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)";
  expect_becomes(nn::LazyBatchNorm1d(), randn({4, 3}), nn::BatchNorm1d(3), "LazyBatchNorm1d" + printed);
  expect_becomes(nn::LazyBatchNorm2d(), randn({2, 3, 4, 4}), nn::BatchNorm2d(3), "LazyBatchNorm2d" + printed);
  expect_becomes(nn::LazyBatchNorm3d(), randn({2, 3, 2, 2, 2}), nn::BatchNorm3d(3), "LazyBatchNorm3d" + printed);
  const nn::InstanceNormOptions options{.affine = true, .track_running_stats = true};
  expect_becomes(nn::LazyInstanceNorm1d(), randn({2, 3, 5}), nn::InstanceNorm1d(3, options),
                 "LazyInstanceNorm1d" + printed);
  expect_becomes(nn::LazyInstanceNorm2d(), randn({3, 5, 4}), nn::InstanceNorm2d(3, options),
                 "LazyInstanceNorm2d" + printed);
  expect_becomes(nn::LazyInstanceNorm3d(), randn({2, 3, 2, 2, 2}), nn::InstanceNorm3d(3, options),
                 "LazyInstanceNorm3d" + printed);
}

// PyTorch counts no features where no parameter asks for them.
TEST(LazyModules, ANormalisationWithoutParametersTakesAnyChannels) {
  nn::LazyBatchNorm1d norm({.affine = false, .track_running_stats = false});
  EXPECT_EQ(norm(randn({4, 3})).shape(), (Shape{4, 3}));
  EXPECT_EQ(norm.to_string(),
            "BatchNorm1d(0, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)");
}

TEST(LazyModules, ReadingAParameterBeforeIsAnError) {
  nn::LazyLinear linear(3);
  Variable weight = linear.parameters()[0];
  const std::string wanted =
      "expected a parameter that has a shape and a value, received an uninitialized one, of a lazy module";
  EXPECT_THAT(error_of([&] { weight.shape(); }), HasSubstr(wanted));
  EXPECT_THAT(error_of([&] { weight + 1; }), HasSubstr(wanted));
  EXPECT_THAT(error_of([&] { linear.count_params(); }), HasSubstr(wanted));
  EXPECT_FALSE(linear.state_dict()["weight"].defined());
  linear(ones({1, 4}));
  EXPECT_EQ(weight.shape(), (Shape{3, 4}));  // the handle that was taken before
  EXPECT_LE(weight.abs().amax().item(), 0.5);
}

TEST(LazyModules, ALoadedStateTellsTheShapes) {
  nn::LazyLinear linear(3);
  linear.load_state_dict({{"weight", ones({3, 2})}, {"bias", zeros({3})}});
  EXPECT_EQ(linear.class_name(), "LazyLinear");
  EXPECT_THAT(linear.weight("weight").to_vector(), ElementsAre(1, 1, 1, 1, 1, 1));
  EXPECT_THAT(error_of([&] { linear(ones({1, 5})); }), HasSubstr("weight of shape [3,5], as the input tells"));
  EXPECT_THAT(linear(ones({1, 2})).to_vector(), ElementsAre(2, 2, 2));
  EXPECT_EQ(linear.to_string(), "Linear(in_features=2, out_features=3, bias=True)");
}

TEST(LazyModules, AStateWithoutValuesLeavesThemAsTheyAre) {
  nn::LazyLinear linear(3);
  EXPECT_TRUE(linear.load_state_dict(nn::LazyLinear(3).state_dict()).missing_keys.empty());
  EXPECT_EQ(linear.class_name(), "LazyLinear");
  nn::Linear plain(2, 3);
  EXPECT_THAT(error_of([&] { plain.load_state_dict(nn::LazyLinear(3).state_dict()); }), HasSubstr("uninitialized"));
}

TEST(LazyModules, OptimizersAndDtypesMayComeFirst) {
  nn::Sequential net({nn::LazyConv2d(2, 3), nn::LazyBatchNorm2d(), nn::ReLU(), nn::Flatten(), nn::LazyLinear(1)});
  optim::Adam optimizer(net.parameters(), {.lr = 0.1});
  optimizer.step();
  const Tensor x = randn({4, 1, 5, 5});
  net(x).square().sum().backward();
  const std::vector<float> before = net.get_parameter("4.weight").to_vector();
  optimizer.step();
  EXPECT_NE(net.get_parameter("4.weight").to_vector(), before);
  nn::LazyLinear wide(2);
  wide.to(kFloat64);
  wide(ones({1, 3}, {.dtype = kFloat64}));
  EXPECT_EQ(wide.weight("weight").dtype(), kFloat64);
}

TEST(LazyModules, AreLayersOfAKerasModel) {
  Tensor image = Input({1, 4, 4});
  Tensor y = nn::Sequential({nn::LazyConv2d(2, 3), nn::ReLU(), nn::Flatten(), nn::LazyLinear(3)})(image);
  EXPECT_EQ(Model({image}, {y}).predict(ones({2, 1, 4, 4})).shape(), (Shape{2, 3}));
}

TEST(LazyModules, WrongInputsAreErrorsAndLeaveThemLazy) {
  nn::LazyConv2d conv(4, 3, {.groups = 2});
  EXPECT_THAT(error_of([&] { conv(ones({3, 5})); }), HasSubstr("an input of rank 4, or 3 without a batch"));
  EXPECT_THAT(error_of([&] { conv(ones({1, 3, 5, 5})); }), HasSubstr("channels that 2 groups divide"));
  EXPECT_EQ(conv.class_name(), "LazyConv2d");
  EXPECT_EQ(conv(ones({1, 4, 5, 5})).shape(), (Shape{1, 4, 3, 3}));
}

}  // namespace
}  // namespace mica
