// Hooks of layers: in lazy code at the call, on predict and fit after the run.
#include "frontend/graph/hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/graph/evaluate.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/layers.h"
#include "frontend/mica/model.h"
#include "frontend/mica/nn.h"
#include "frontend/mica/optim.h"
#include "frontend/mica/training.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;

Tensor rows() { return tensor({{1.0, -2.0}, {3.0, 4.0}}); }

// y = relu(x w1) w2 with weights of ones.
struct Net {
  Dense hidden{2, {.activation = "relu", .use_bias = false, .kernel_initializer = "ones", .name = "hidden"}};
  Dense last{1, {.use_bias = false, .kernel_initializer = "ones", .name = "last"}};
  Model model = make();
  Model make() {
    Tensor x = Input({2});
    return Model({x}, {last(hidden(x))});
  }
};

TEST(Hooks, LazyCallsRunHooksAtTheCall) {
  Dense dense(1, {.use_bias = false, .kernel_initializer = "ones"});
  std::vector<std::string> calls;
  HookHandle pre = dense.register_forward_pre_hook(
      [&](const Layer&, const Tensors& inputs) { calls.push_back("pre " + inputs[0].shape().to_string()); });
  HookHandle post = dense.register_forward_hook([&](const Layer& layer, const Tensor& output) {
    EXPECT_TRUE(layer.same_as(dense));
    calls.push_back("post " + output.shape().to_string());
  });
  HookHandle both = dense.register_forward_hook([&](const Layer&, const Tensors& inputs, const Tensors& outputs) {
    calls.push_back(std::to_string(inputs.size()) + " to " + std::to_string(outputs.size()));
  });
  Tensor y = dense(rows());
  EXPECT_THAT(calls, ElementsAre("pre [2,2]", "post [2,1]", "1 to 1"));
  post.remove();
  post.remove();
  both.remove();
  calls.clear();
  dense(rows());
  EXPECT_THAT(calls, ElementsAre("pre [2,2]"));
  EXPECT_THAT(y.to_vector(), ElementsAre(-1, 7));
}

TEST(Hooks, WhatALazyHookReturnsReplacesTheOutput) {
  Dense dense(1, {.use_bias = false, .kernel_initializer = "ones"});
  HookHandle handle = dense.register_forward_hook([](const Layer&, const Tensor& output) { return output * 10; });
  EXPECT_THAT(dense(rows()).to_vector(), ElementsAre(-10, 70));
  handle.remove();
  EXPECT_THAT(dense(rows()).to_vector(), ElementsAre(-1, 7));
}

TEST(Hooks, ALazyHookMayReadAndKeepWhatItSees) {
  Net net;
  Tensor kept;
  double largest = 0;
  net.hidden.register_forward_hook([&](const Layer&, const Tensor& output) {
    kept = output;
    largest = output.amax().item();
  });
  EXPECT_THAT(net.model(rows()).to_vector(), ElementsAre(0, 14));
  EXPECT_EQ(largest, 7);
  EXPECT_THAT(kept.to_vector(), ElementsAre(0, 0, 7, 7));
}

TEST(Hooks, BackwardHooksSeeTheGradientsOfResults) {
  Net net;
  std::vector<std::string> order;
  Tensor seen;
  net.hidden.register_full_backward_hook([&](const Layer& layer, const Tensors& gradients) {
    order.push_back(layer.name());
    seen = gradients[0];
  });
  net.last.register_full_backward_hook([&](const Layer& layer, const Tensors&) { order.push_back(layer.name()); });
  net.last.weight("kernel").assign(tensor({{2.0}, {3.0}}));
  net.model(rows()).sum().backward();
  EXPECT_THAT(order, ElementsAre("last", "hidden"));
  EXPECT_THAT(seen.to_vector(), ElementsAre(2, 3, 2, 3));
}

// Hooks on modules within modules, in the order of PyTorch: outside in before the calls, inside out after them and in
// backward().
TEST(Hooks, OfNestedModulesRunFromTheOutsideInAndBack) {
  nn::Sequential inner({nn::Linear(2, 2), nn::ReLU()});
  nn::Sequential net({inner, nn::Linear(2, 1)});
  std::vector<std::string> order;
  std::vector<HookHandle> handles;
  for (const auto& [name, module] : net.named_modules()) {
    auto noted = [&order, of = name](const char* what) { order.push_back(what + (" " + of)); };
    handles.push_back(module.register_forward_pre_hook([=](const Layer&, const Tensors&) { noted("pre"); }));
    handles.push_back(module.register_forward_hook([=](const Layer&, const Tensor&) { noted("post"); }));
    handles.push_back(module.register_full_backward_hook([=](const Layer&, const Tensors&) { noted("grad"); }));
  }
  Tensor loss = net(rows()).sum();
  EXPECT_THAT(order, ElementsAre("pre ", "pre 0", "pre 0.0", "post 0.0", "pre 0.1", "post 0.1", "post 0", "pre 1",
                                 "post 1", "post "));
  order.clear();
  loss.backward();
  EXPECT_THAT(order, testing::UnorderedElementsAre("grad ", "grad 1", "grad 0", "grad 0.1", "grad 0.0"));
  EXPECT_EQ(order.back(), "grad 0.0");
  order.clear();
  for (HookHandle& handle : handles) handle.remove();
  net(rows()).sum().backward();
  EXPECT_TRUE(order.empty());
}

// What a hook of a nested module gives replaces what the modules around it go on with.
TEST(Hooks, OfNestedModulesMayReplaceWhatTheyGive) {
  nn::Linear first(2, 2, {.bias = false}), second(2, 1, {.bias = false});
  nn::init::eye_(first.weight("weight"));
  nn::init::ones_(second.weight("weight"));
  nn::Sequential net({nn::Sequential({first, nn::ReLU()}), second});
  HookHandle handle = first.register_forward_hook([](const Layer&, const Tensor& output) { return output + 1; });
  EXPECT_THAT(net(rows()).to_vector(), ElementsAre(2, 9));
  handle.remove();
  EXPECT_THAT(net(rows()).to_vector(), ElementsAre(1, 7));
}

// A lazy loop goes back to the Program that it had before the hook.
TEST(Hooks, OneThatGoesLeavesLazyStepsAsTheyWere) {
  nn::Sequential net({nn::Linear(2, 3), nn::Tanh(), nn::Linear(3, 1)});
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  auto step = [&] {
    optimizer.zero_grad();
    net(rows()).square().mean().backward();
    optimizer.step();
  };
  step();
  step();
  const int before = internal::num_lazy_programs();
  std::vector<Tensor> seen;
  HookHandle handle = net[1].register_forward_hook([&](const Layer&, const Tensor& output) { seen.push_back(output); });
  step();
  step();
  EXPECT_EQ(seen.size(), 2U);
  const int with_hook = internal::num_lazy_programs();
  EXPECT_LE(with_hook, before + 1);  // what the hook keeps is one more result
  handle.remove();
  seen.clear();
  step();
  EXPECT_EQ(internal::num_lazy_programs(), with_hook);
}

// What a pre-hook gives, one tensor or a list, stands for the inputs: of the layer, and of the hooks after it.
TEST(Hooks, WhatAPreHookReturnsReplacesTheInputs) {
  Dense dense(1, {.use_bias = false, .kernel_initializer = "ones"});
  HookHandle doubled =
      dense.register_forward_pre_hook([](const Layer&, const Tensors& inputs) { return inputs[0] * 2; });
  HookHandle moved =
      dense.register_forward_pre_hook([](const Layer&, const Tensors& inputs) { return Tensors{inputs[0] + 1}; });
  Tensor seen;
  HookHandle post =
      dense.register_forward_hook([&](const Layer&, const Tensors& inputs, const Tensors&) { seen = inputs[0]; });
  EXPECT_THAT(dense(rows()).to_vector(), ElementsAre(0, 16));  // x 2 + 1: {3, -3}, {7, 9}
  EXPECT_THAT(seen.to_vector(), ElementsAre(3, -3, 7, 9));
  doubled.remove();
  EXPECT_THAT(dense(rows()).to_vector(), ElementsAre(1, 9));
  moved.remove();
  EXPECT_THAT(dense(rows()).to_vector(), ElementsAre(-1, 7));
}

// A layer that is not built yet learns its shapes from what the pre-hook gives, and gradients go through it.
TEST(Hooks, APreHookComesBeforeTheBuild) {
  Dense dense(1, {.use_bias = false, .kernel_initializer = "ones"});
  dense.register_forward_pre_hook(
      [](const Layer&, const Tensors& inputs) { return cat({inputs[0], inputs[0] * 3}, -1); });
  Variable x(rows());
  dense(x).sum().backward();
  EXPECT_EQ(dense.weight("kernel").shape(), (Shape{4, 1}));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(4, 4, 4, 4));
}

TEST(Hooks, APreHookGivesAsManyTensorsAsItGets) {
  Dense dense(1, {.name = "dense"});
  dense.register_forward_pre_hook([](const Layer&, const Tensors& inputs) { return Tensors{inputs[0], inputs[0]}; });
  EXPECT_THAT(error_of([&] { dense(rows()); }), testing::AllOf(testing::HasSubstr("dense"), testing::HasSubstr("2")));
}

TEST(Hooks, PredictCallsThemAfterTheRun) {
  Net net;
  std::vector<float> before = net.model.predict(rows()).to_vector();
  const int compilations = net.model.compilations();
  std::vector<std::string> order;
  Tensor hidden;
  HookHandle first =
      net.last.register_forward_hook([&](const Layer& layer, const Tensor&) { order.push_back(layer.name()); });
  HookHandle second = net.hidden.register_forward_hook([&](const Layer& layer, const Tensor& output) {
    order.push_back(layer.name());
    hidden = output;
    return output * 1000;  // read-only here
  });
  EXPECT_EQ(net.model.predict(rows()).to_vector(), before);
  EXPECT_EQ(net.model.compilations(), compilations + 1);
  EXPECT_THAT(order, ElementsAre("hidden", "last"));
  EXPECT_THAT(hidden.to_vector(), ElementsAre(0, 0, 7, 7));
  net.model.predict(rows());
  EXPECT_EQ(order.size(), 4U);
  first.remove();
  second.remove();
  EXPECT_EQ(net.model.predict(rows()).to_vector(), before);  // by the former Program
  EXPECT_EQ(net.model.compilations(), compilations + 1);
  EXPECT_EQ(order.size(), 4U);
}

TEST(Hooks, PredictCallsThemForEveryBatch) {
  Net net;
  std::vector<Shape> seen;
  HookHandle handle = net.hidden.register_forward_hook(
      [&](const Layer&, const Tensors& inputs, const Tensors&) { seen.push_back(inputs[0].shape()); });
  net.model.predict(zeros({5, 2}), {.batch_size = 2});
  EXPECT_THAT(seen, ElementsAre(Shape{2, 2}, Shape{2, 2}, Shape{1, 2}));
}

TEST(Hooks, AHookAddedAfterTheFirstStepIsCalledAtTheNext) {
  auto trained = [](bool with_hook) {
    Net net;
    net.model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    Tensor y = tensor({{1.0}, {2.0}});
    net.model.train_on_batch(rows(), y);
    const int compilations = net.model.compilations();
    int calls = 0;
    HookHandle handle;
    if (with_hook) handle = net.hidden.register_forward_hook([&](const Layer&, const Tensor&) { ++calls; });
    net.model.train_on_batch(rows(), y);
    EXPECT_EQ(calls, with_hook ? 1 : 0);
    EXPECT_EQ(net.model.compilations(), compilations + (with_hook ? 1 : 0));
    handle.remove();
    net.model.train_on_batch(rows(), y);
    EXPECT_EQ(calls, with_hook ? 1 : 0);
    EXPECT_EQ(net.model.compilations(), compilations + (with_hook ? 1 : 0));
    return net.hidden.weight("kernel").to_vector();
  };
  EXPECT_EQ(trained(true), trained(false));
}

}  // namespace
}  // namespace mica
