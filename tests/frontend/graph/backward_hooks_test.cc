// Backward hooks: what they see and replace is PyTorch's, tests/fixtures/nn/utils.npz.
#include "frontend/graph/backward_hooks.h"

#include <gmock/gmock.h>

#include "frontend/graph/evaluate.h"
#include "tests/frontend/nn/nn_utils_fixture.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BackwardHooks, SeeAndReplaceGradientsAsPyTorchs) {
  const std::string want = "hooks/";
  nn::Sequential net = filled(nn::Sequential({nn::Linear(3, 2), nn::Tanh(), nn::Linear(2, 1)}));
  net[0].register_full_backward_pre_hook([](const Layer&, const Tensors& grads) { return grads[0] * 2; });
  Tensor seen_input, seen_output;
  net[0].register_full_backward_hook([&](const Layer&, const Tensors& grad_inputs, const Tensors& grad_outputs) {
    seen_input = grad_inputs[0];
    seen_output = grad_outputs[0];
    return grad_inputs[0] + 1;
  });
  Variable x(ramp({4, 3}, 3));
  net(x * 3).square().sum().backward();
  expect_values(seen_output, want + "grad_output");
  expect_values(seen_input, want + "grad_input");
  expect_values(x.grad(), want + "input");
  for (const auto& [name, parameter] : net.named_parameters()) {
    expect_values(parameter.grad(), want + "grads/" + name);
  }
}

// PyTorch's order, with and without a gradient of the input.
TEST(BackwardHooks, OfNestedModulesAreCalledInPyTorchsOrder) {
  nn::Sequential net({nn::Sequential({nn::Linear(2, 2), nn::ReLU()}), nn::Linear(2, 1)});
  std::vector<std::string> order;
  for (const auto& [name, module] : net.named_modules()) {
    module.register_full_backward_pre_hook(
        [&order, of = name](const Layer&, const Tensors&) { order.push_back("pre " + of); });
    module.register_full_backward_hook(
        [&order, of = name](const Layer&, const Tensors&, const Tensors&) { order.push_back("full " + of); });
  }
  Variable x(ones({3, 2}));
  net(x).sum().backward();
  EXPECT_THAT(order, ElementsAre("pre ", "pre 1", "full 1", "pre 0", "pre 0.1", "full 0.1", "pre 0.0", "full 0.0",
                                 "full 0", "full "));
  order.clear();
  net(x.detach()).sum().backward();
  EXPECT_THAT(order, ElementsAre("pre ", "full ", "pre 1", "full 1", "pre 0", "full 0", "pre 0.1", "full 0.1",
                                 "pre 0.0", "full 0.0"));
}

// A parameter that is used behind a gate and beside it gets the sum.
TEST(BackwardHooks, GradientsOfOtherWaysAreAdded) {
  nn::Linear shared = filled(nn::Linear(2, 2)), hooked = filled(nn::Linear(2, 2));
  Tensor x = ramp({3, 2}, 3);
  auto gradients = [&] {
    shared.zero_grad();
    Tensor hidden = shared(x);
    (hooked(hidden).square().sum() + hidden.sum() + shared(hooked(hidden)).sum()).backward();
    return shared.weight("weight").grad().to_vector();
  };
  const std::vector<float> want = gradients();
  HookHandle handle = hooked.register_full_backward_hook([](const Layer&, const Tensors&, const Tensors&) {});
  const std::vector<float> got = gradients();
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5);
}

TEST(BackwardHooks, WithoutAGradientOfTheInputsTheyAreCalledAtTheOutputs) {
  nn::Linear linear(2, 1);
  int calls = 0;
  linear.register_full_backward_hook([&](const Layer&, const Tensors& grad_inputs, const Tensors& grad_outputs) {
    ++calls;
    EXPECT_FALSE(grad_inputs[0].defined());
    EXPECT_THAT(grad_outputs[0].to_vector(), ElementsAre(1, 1));
  });
  linear(ones({2, 2})).sum().backward();
  EXPECT_EQ(calls, 1);
  NoGradGuard no_grad;
  linear(ones({2, 2})).eval();
  EXPECT_EQ(calls, 1);
}

TEST(BackwardHooks, SecondDerivativesGoThroughThem) {
  nn::Linear linear(1, 1, {.bias = false});
  linear.weight("weight").assign(tensor({{3.0}}));
  linear.register_full_backward_hook(
      [](const Layer&, const Tensors& grad_inputs, const Tensors&) { return grad_inputs[0] * 2; });
  Variable x(tensor({{5.0}}));
  Tensor first = grad(linear(x * x).sum(), x);  // 2 * w * 2 x
  EXPECT_EQ(first.item(), 60);
  EXPECT_EQ(grad(first.sum(), x).item(), 12);
}

TEST(BackwardHooks, WrongGradientsAreErrors) {
  nn::Linear linear(2, 1);
  Variable x(ones({3, 2}));
  HookHandle count = linear.register_full_backward_hook(
      [](const Layer&, const Tensors& grad_inputs, const Tensors&) { return Tensors{grad_inputs[0], grad_inputs[0]}; });
  EXPECT_THAT(error_of([&] { linear(x).sum().backward(); }), HasSubstr("as many gradients as it gets, 1, received 2"));
  count.remove();
  linear.register_full_backward_pre_hook([](const Layer&, const Tensors&) { return ones({2}); });
  EXPECT_THAT(error_of([&] { linear(x).sum().backward(); }), HasSubstr("a gradient of shape [3,1]"));
}

// Gradients hold the copies they were taken by, and these their gates: what hooks saw dies with the step all the same.
TEST(BackwardHooks, NothingOfAStepStaysBehind) {
  nn::Linear linear(2, 1);
  std::weak_ptr<internal::GatedCall> gated;
  linear.register_full_backward_hook(
      [](const Layer&, const Tensors& grad_inputs, const Tensors&) { return grad_inputs[0] * 2; });
  Variable x(ones({3, 2}));
  {
    Tensor loss = linear(x * 2).square().sum();
    gated = loss.node()->producer->inputs[0]->producer->inputs[0]->gate->call;
    EXPECT_FALSE(gated.expired());
    grad(grad(loss, x).square().sum(), x).eval();
  }
  EXPECT_TRUE(gated.expired());
}

TEST(BackwardHooks, AStepIsOneProgramCompiledOnce) {
  nn::Sequential net({nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 1)});
  net[2].register_full_backward_hook(
      [](const Layer&, const Tensors& grad_inputs, const Tensors&) { return grad_inputs[0].clamp(-0.5, 0.5); });
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  auto step = [&] {
    optimizer.zero_grad();
    net(ones({2, 3})).square().sum().backward();
    optimizer.step();
  };
  step();
  const int compiled = internal::num_lazy_programs();
  for (int i = 0; i < 3; ++i) step();
  EXPECT_EQ(internal::num_lazy_programs(), compiled);
}

}  // namespace
}  // namespace mica
