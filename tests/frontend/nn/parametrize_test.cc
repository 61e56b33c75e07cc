// Parametrizations of one's own against PyTorch: tests/fixtures/nn/utils.npz.
#include "frontend/nn/parametrize.h"

#include <gmock/gmock.h>

#include "frontend/graph/evaluate.h"
#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace nn::utils::parametrize;

class Symmetric : public nn::Module {
 public:
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return x.triu() + x.triu(1).t(); }
};

class Scaled : public nn::Module {
 public:
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return x * 2; }
  Tensors right_inverse(const Tensor& value) const override { return {value / 2}; }
};

class Flat : public nn::Module {
 public:
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return x.flatten(); }
};

TEST(Parametrize, ModulesOneAfterAnotherTrainAsPyTorchs) {
  const std::string want = "chained";
  nn::Linear linear = filled(nn::Linear(3, 3));
  register_parametrization(linear, "weight", make<Symmetric>());
  register_parametrization(linear, "weight", make<Scaled>());
  EXPECT_EQ(linear.state_dict().keys(), (std::vector<std::string>{"bias", "parametrizations.weight.original"}));
  expect_trained(linear, ramp({4, 3}, 3), want);
  remove_parametrizations(linear, "weight");
  expect_state(linear, want + "/removed");
  EXPECT_EQ(linear.class_name(), "Linear");
  EXPECT_FALSE(is_parametrized(linear));
}

TEST(Parametrize, TheOriginalIsTheSameParameterAndBecomesTheRightInverse) {
  nn::Linear linear(2, 2);
  Variable weight = linear.weight("weight");
  weight.assign(eye(2));
  register_parametrization(linear, "weight", make<Scaled>());
  EXPECT_TRUE(is_parametrized(linear, "weight"));
  EXPECT_FALSE(is_parametrized(linear, "bias"));
  EXPECT_EQ(linear.get_parameter("parametrizations.weight.original").cell(), weight.cell());
  EXPECT_THAT(weight.to_vector(), ElementsAre(0.5, 0, 0, 0.5));
  EXPECT_THAT(parametrized(linear, "weight").to_vector(), ElementsAre(1, 0, 0, 1));
  remove_parametrizations(linear, "weight", /*leave_parametrized=*/false);
  EXPECT_THAT(linear.weight("weight").to_vector(), ElementsAre(0.5, 0, 0, 0.5));
}

TEST(Parametrize, AnotherShapeIsRefusedAndChangesNothing) {
  nn::Linear linear = filled(nn::Linear(3, 2));
  EXPECT_THAT(
      error_of([&] { register_parametrization(linear, "weight", make<Flat>()); }),
      HasSubstr("expected a parametrization that keeps the shape and dtype of weight, f32[2,3], received f32[6]"));
  EXPECT_THAT(linear.state_dict().keys(), ElementsAre("weight", "bias"));
  EXPECT_THAT(error_of([&] { remove_parametrizations(linear, "weight"); }), HasSubstr("a parametrized tensor"));
}

TEST(Parametrize, AStepIsOneProgramCompiledOnce) {
  nn::Linear linear(3, 3);
  register_parametrization(linear, "weight", make<Symmetric>());
  optim::SGD optimizer(linear.parameters(), {.lr = 0.1});
  auto step = [&] {
    optimizer.zero_grad();
    linear(ones({2, 3})).square().sum().backward();
    optimizer.step();
  };
  step();
  const int compiled = internal::num_lazy_programs();
  for (int i = 0; i < 3; ++i) step();
  EXPECT_EQ(internal::num_lazy_programs(), compiled);
}

}  // namespace
}  // namespace mica
