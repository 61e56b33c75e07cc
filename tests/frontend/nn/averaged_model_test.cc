// AveragedModel and update_bn against PyTorch: tests/fixtures/nn/utils.npz.
#include <gmock/gmock.h>

#include "frontend/graph/evaluate.h"
#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::HasSubstr;
using namespace optim::swa_utils;

nn::Sequential net() { return filled(nn::Sequential({nn::Linear(3, 2), nn::BatchNorm1d(2)})); }

void expect_averaged(const AveragedModelOptions& options, const std::string& want) {
  nn::Sequential model = net();
  AveragedModel average(model, options);
  for (int step = 0; step < 3; ++step) {
    model(ramp({4, 3}, 3 + step)).eval();
    for (Variable parameter : model.parameters()) {
      NoGradGuard no_grad;
      parameter += ramp(parameter.shape(), 5 + step) / 4;
    }
    average.update_parameters(model);
  }
  expect_state(average, want + "/state");
  EXPECT_EQ(average.n_averaged(), 3);
  update_bn(std::vector<Tensor>{ramp({4, 3}, 3), ramp({4, 3}, 5)}, average);
  expect_state(average, want + "/after_update_bn");
  average.eval();
  expect_values(average(ramp({4, 3})), want + "/out");
  expect_state(model, want + "/of_net");
  EXPECT_TRUE(model.is_training());
}

TEST(AveragedModel, AveragesAsPyTorchs) {
  const std::string want = "averaged/";
  expect_averaged({}, want + "plain");
  expect_averaged({.multi_avg_fn = get_swa_multi_avg_fn()}, want + "plain");
  expect_averaged({.avg_fn = get_ema_avg_fn(0.75)}, want + "ema");
  expect_averaged({.multi_avg_fn = get_ema_multi_avg_fn(0.75), .use_buffers = true}, want + "ema_multi_buffers");
}

TEST(AveragedModel, PrintsAndNamesItsModule) {
  AveragedModel average(net());
  EXPECT_EQ(average.state_dict().keys().front(), "n_averaged");
  EXPECT_TRUE(average.state_dict().contains("module.1.running_var"));
  EXPECT_THAT(average.to_string(),
              HasSubstr("AveragedModel(\n  (module): Sequential(\n    (0): Linear(in_features=3,"));
}

TEST(AveragedModel, HasWeightsAndGradientsOfItsOwn) {
  nn::Linear model(2, 1);
  AveragedModel average(model);
  nn::init::zeros_(model.weight("weight"));
  nn::init::zeros_(model.weight("bias"));
  Tensor out = average(ones({1, 2}));
  EXPECT_NE(out.item(), 0);
  out.sum().backward();
  EXPECT_FALSE(model.weight("weight").grad().defined());
  EXPECT_EQ(average.parameters()[0].grad().to_vector(), std::vector<float>(2, 1));
  EXPECT_EQ(model(ones({1, 2})).item(), 0);
}

TEST(AveragedModel, TiedWeightsStayOne) {
  nn::Embedding embedding(5, 3);
  nn::Linear head(3, 5, {.bias = false});
  nn::set_parameter(head, "weight", embedding.weight("weight"));
  AveragedModel average(nn::ModuleDict({{"embedding", embedding}, {"head", head}}));
  EXPECT_EQ(average.parameters().size(), 1u);
}

TEST(AveragedModel, AStepWithAnAverageCompilesOnce) {
  nn::Sequential model = net();
  AveragedModel average(model, {.avg_fn = get_ema_avg_fn()});
  optim::SGD optimizer(model.parameters(), {.lr = 0.1});
  auto step = [&] {
    optimizer.zero_grad();
    model(ramp({4, 3})).square().sum().backward();
    optimizer.step();
    average.update_parameters(model);
  };
  for (int i = 0; i < 3; ++i) step();  // the first takes the values
  const int compiled = internal::num_lazy_programs();
  for (int i = 0; i < 4; ++i) step();
  EXPECT_EQ(internal::num_lazy_programs(), compiled);
}

TEST(AveragedModel, WrongArgumentsAreErrors) {
  EXPECT_THAT(
      error_of([] { AveragedModel(net(), {.avg_fn = get_swa_avg_fn(), .multi_avg_fn = get_swa_multi_avg_fn()}); }),
      HasSubstr("avg_fn or multi_avg_fn"));
  EXPECT_THAT(error_of([] { get_ema_avg_fn(1.5); }), HasSubstr("a decay from 0 to 1"));
}

}  // namespace
}  // namespace mica
