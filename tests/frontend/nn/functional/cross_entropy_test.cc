// linear_cross_entropy against PyTorch: tests/fixtures/nn/utils.npz.
#include <gmock/gmock.h>

#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::HasSubstr;

void expect_loss(const std::string& name, const Tensor& input, const Shape& weight_shape, const Tensor& target,
                 const F::LinearCrossEntropyOptions& options) {
  SCOPED_TRACE(name);
  const std::string want = "linear_cross_entropy/" + name + "/";
  Variable x(input), weight(ramp(weight_shape));
  Tensor loss = F::linear_cross_entropy(x, weight, target, options);
  loss.sum().backward();
  expect_values(loss, want + "loss");
  expect_values(x.grad(), want + "input");
  expect_values(weight.grad(), want + "weight");
}

TEST(LinearCrossEntropy, IsPyTorchs) {
  const Tensor x = ramp({4, 3}, 3), ids = tensor({1, 0, 4, 2});
  expect_loss("ids", x, {5, 3}, ids, {});
  expect_loss("bias_weight_smoothing", x, {5, 3}, ids,
              {.linear_bias = ramp({5}, 3), .weight = ramp({5}).abs() + 0.25, .label_smoothing = 0.1});
  expect_loss("ignored_sum", x, {5, 3}, ids, {.reduction = "sum", .ignore_index = 4});
  expect_loss("probabilities", x, {5, 3}, ramp({4, 5}, 3).softmax(1), {.reduction = "none"});
  expect_loss("one", x[0], {5, 3}, tensor(3), {});
  expect_loss("many_axes", x, {5, 2, 3}, tensor({{0, 1}, {2, 3}, {4, 0}, {1, 1}}), {.linear_bias = ramp({5, 2}, 3)});
}

TEST(LinearCrossEntropy, TheModuleHasALinearMapOfItsOwn) {
  nn::LinearCrossEntropyLoss loss(3, 5, {.out_features = {2}, .bias = true});
  EXPECT_EQ(loss.to_string(),
            "LinearCrossEntropyLoss(\n"
            "  in_features=3, num_classes=5, out_features=(2,), bias=True, reduction=mean, ignore_index=None, "
            "label_smoothing=0.0, options=None\n"
            "  (linear): Linear(in_features=3, out_features=10, bias=True)\n)");
  loss.load_state_dict({{"linear.weight", ramp({10, 3})}, {"linear.bias", ramp({10}, 3)}});
  const double value = loss(ramp({4, 3}, 3), tensor({{0, 1}, {2, 3}, {4, 0}, {1, 1}})).item();
  EXPECT_NEAR(value, nn_utils_fixtures()["linear_cross_entropy/many_axes/loss"].item(), 1e-5);
}

TEST(LinearCrossEntropy, WrongShapesAreErrors) {
  const Tensor x = ramp({4, 3}), ids = tensor({1, 0, 4, 2});
  EXPECT_THAT(error_of([&] { F::linear_cross_entropy(x, ramp({5, 2}), ids); }), HasSubstr("with 3 in_features"));
  EXPECT_THAT(error_of([&] { F::linear_cross_entropy(x, ramp({5, 3}), ids, {.linear_bias = ones({4})}); }),
              HasSubstr("linear_bias of shape [5]"));
  EXPECT_THAT(error_of([&] { F::linear_cross_entropy(x, ramp({5, 3}), ramp({4, 5}), {.ignore_index = 1}); }),
              HasSubstr("no ignore_index where the target has probabilities"));
  EXPECT_THAT(error_of([&] { F::linear_cross_entropy(x[0], ramp({5, 2, 3}), ids); }), HasSubstr("[N, in_features]"));
}

}  // namespace
}  // namespace mica
