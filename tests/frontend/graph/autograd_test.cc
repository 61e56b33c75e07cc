// Gradients of lazy values. Expected values by hand, or from PyTorch 2 where the comment says so.
#include "frontend/mica/autograd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/graph/evaluate.h"
#include "frontend/mica/functional.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

Tensor leaf(const NestedList& values) { return tensor(values, {.dtype = kFloat32, .requires_grad = true}); }

TEST(Autograd, BackwardFillsTheGradientsOfLeaves) {
  Tensor w = leaf({1.0, 2.0, 3.0}), b = leaf({0.5});
  Tensor x = tensor({2.0, 3.0, 4.0});
  EXPECT_FALSE(w.grad().defined());
  Tensor loss = ((w * x + b) * w).sum();  // w (w x + b)
  EXPECT_TRUE(loss.requires_grad());
  loss.backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(4.5, 12.5, 24.5));  // 2 w x + b
  EXPECT_THAT(b.grad().to_vector(), ElementsAre(6));                // sum w
  EXPECT_FLOAT_EQ(loss.item<float>(), 2 + 12 + 36 + 3);
}

// A recurrence written by hand: a hundred products whose gradients are added.
TEST(Autograd, AWeightThatIsUsedInManyPlaces) {
  Tensor w = leaf({{1.0, 0.0}, {0.0, 1.0}}), x = ones({3, 2});
  for (int i = 0; i < 100; ++i) x = x.matmul(w);
  x.sum().backward();
  EXPECT_THAT(w.grad().reshape({4}).to_vector(), ElementsAre(300, 300, 300, 300));  // 100 steps, three rows of ones
}

TEST(Autograd, GradientsAccumulateUntilTheyAreZeroed) {
  Tensor w = leaf({1.0, 2.0});
  (w * w).sum().backward();
  (w * 3).sum().backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(5, 7));
  w.zero_grad();
  EXPECT_FALSE(w.grad().defined());
}

TEST(Autograd, BackwardRunsNothing) {
  Tensor w = leaf({1.0, 2.0});
  const int before = internal::num_lazy_programs();
  Tensor loss = (w.exp() * w).sum();
  loss.backward();
  EXPECT_EQ(internal::num_lazy_programs(), before);
  EXPECT_EQ(w.grad().node()->kind, internal::ValueKind::kPending);
  // Reading the loss computes the gradients with it: they share its work.
  loss.eval();
  EXPECT_EQ(internal::num_lazy_programs(), before + 1);
  EXPECT_EQ(w.grad().node()->kind, internal::ValueKind::kComputed);
}

TEST(Autograd, ALossThatWasReadCanBeDifferentiated) {
  Tensor w = leaf({1.0, 2.0});
  Tensor hidden = w * w;
  Tensor loss = (hidden * w).sum();
  EXPECT_FLOAT_EQ(loss.item<float>(), 9);
  hidden.eval();
  loss.backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(3, 12));
}

TEST(Autograd, AVariableThatChangedIsDifferentiatedAtTheValueThatWasUsed) {
  Tensor w = leaf({2.0});
  Tensor before = w * w;
  no_grad([&] { w += 1; });
  Tensor loss = (before + w * w * w).sum();
  loss.backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(4 + 27));
  EXPECT_FLOAT_EQ(loss.item<float>(), 4 + 27);
}

TEST(Autograd, NoGradAndDetachStopGradients) {
  Tensor w = leaf({2.0, 3.0});
  Tensor constant;
  no_grad([&] { constant = w * w; });
  EXPECT_FALSE(constant.requires_grad());
  Tensor loss = (constant * w + (w * w).detach() * w).sum();
  loss.backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(8, 18));
  {
    NoGradGuard guard;
    EXPECT_FALSE((w * 2).requires_grad());
  }
  EXPECT_TRUE((w * 2).requires_grad());
}

TEST(Autograd, BackwardOfVectorsTakesAGradient) {
  Tensor w = leaf({1.0, 2.0, 3.0});
  (w * w).backward(tensor({1.0, 0.0, -1.0}));
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(2, 0, -6));
  EXPECT_THAT(error_of([&] { (w * w).backward(); }), HasSubstr("backward: expected a scalar to differentiate"));
  EXPECT_THAT(error_of([&] { (w * w).backward(tensor({1.0})); }), HasSubstr("a gradient of shape [3]"));
}

TEST(Autograd, SecondOrder) {
  Tensor x = leaf({1.0, 2.0});
  Tensor y = (x * x * x).sum();
  Tensor first = grad(y, x);
  EXPECT_THAT(first.to_vector(), ElementsAre(3, 12));
  Tensor second = grad(first.sum(), x);  // although `first` is computed already
  EXPECT_THAT(second.to_vector(), ElementsAre(6, 12));
  Tensor third = grad(second.sum(), x);
  EXPECT_THAT(third.to_vector(), ElementsAre(6, 6));
}

TEST(Autograd, AGradientPenalty) {
  // x = [0.5, -1.5], w = [0.3, 0.7]: y = tanh(x·w); penalty = (|dy/dx| - 1)^2. PyTorch:
  // torch.autograd.grad(..., create_graph=True); penalty.backward(); w.grad = [-0.0779, 0.2117] by float64 below.
  Tensor w = leaf({0.3, 0.7}), x = leaf({0.5, -1.5});
  Tensor y = (x * w).sum().tanh();
  Tensor slope = grad(y, x);
  Tensor penalty = (slope.norm() - 1).square();
  penalty.backward();
  const double s = 0.3 * 0.5 - 0.7 * 1.5, norm = std::sqrt(0.3 * 0.3 + 0.7 * 0.7), t = std::tanh(s), d = 1 - t * t;
  for (int i = 0; i < 2; ++i) {
    const double wi = i == 0 ? 0.3 : 0.7, xi = i == 0 ? 0.5 : -1.5;
    const double expected = 2 * (d * norm - 1) * (-2 * t * d * xi * norm + d * wi / norm);
    EXPECT_NEAR(w.grad()[i].item(), expected, 1e-5);
  }
}

TEST(Autograd, GradOfInnerValuesAndParameters) {
  Parameters parameters{Variable(tensor({1.0, 2.0})), Variable(tensor({3.0}))};
  Tensor hidden = parameters[0] * parameters[0];
  Tensor y = (hidden * parameters[1]).sum();
  Tensors gradients = grad(y, parameters);
  EXPECT_THAT(gradients[0].to_vector(), ElementsAre(6, 12));
  EXPECT_THAT(gradients[1].to_vector(), ElementsAre(5));
  EXPECT_THAT(grad(y, hidden).to_vector(), ElementsAre(3, 3));
  EXPECT_FALSE(parameters[0].grad().defined());
  Tensor apart = leaf({1.0});
  EXPECT_THAT(error_of([&] { grad(y, apart); }), HasSubstr("grad: expected inputs that lead to the output"));
}

TEST(Autograd, AGraphThatBackwardUsedIsForgottenWhenItIsComputed) {
  Tensor w = leaf({1.0, 2.0});
  Tensor kept = (w * w).sum();
  kept.backward({.retain_graph = true});
  kept.eval();
  kept.backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(4, 8));
  kept.eval();
  EXPECT_THAT(error_of([&] { kept.backward(); }), HasSubstr("retain_graph"));
}

TEST(Autograd, FrozenVariablesHaveNoGradient) {
  Variable w(tensor({1.0, 2.0})), b(tensor({1.0, 1.0}));
  b.requires_grad_(false);
  (w * b).sum().backward();
  EXPECT_TRUE(w.grad().defined());
  EXPECT_FALSE(b.grad().defined());
  b.requires_grad_();
  (w * b).sum().backward();
  EXPECT_THAT(b.grad().to_vector(), ElementsAre(1, 2));
  EXPECT_THAT(error_of([&] { (w * b).detach().sum().backward(); }), HasSubstr("requires_grad"));
  EXPECT_THAT(error_of([] { tensor({1, 2}).requires_grad_(); }), HasSubstr("tensor of floats"));
}

TEST(Autograd, InPlaceLookingOperatorsAssignVariablesOnly) {
  Tensor w = leaf({1.0, 2.0});
  Tensor alias = w, value = w * 2, same = value;
  no_grad([&] { w += 1; });
  value += 1;
  EXPECT_THAT(alias.to_vector(), ElementsAre(2, 3));
  EXPECT_THAT(value.to_vector(), ElementsAre(3, 5));
  EXPECT_THAT(same.to_vector(), ElementsAre(2, 4));
}

TEST(Autograd, ValueAndGradIsAFunctionOfItsParameters) {
  auto f = value_and_grad([](const Tensors& p, const Tensors& data) { return (p[0] * data[0]).square().sum(); });
  Tensors parameters{tensor({1.0, 2.0}), tensor({5.0})};
  auto [value, grads] = f(parameters, {tensor({3.0, 1.0})});
  EXPECT_FLOAT_EQ(value.item<float>(), 13);
  EXPECT_THAT(grads[0].to_vector(), ElementsAre(18, 4));
  EXPECT_THAT(grads[1].to_vector(), ElementsAre(0));
  EXPECT_FALSE(value.requires_grad());
  EXPECT_FALSE(grads[0].requires_grad());
  auto square = value_and_grad([](const Tensors& p) { return (p[0] * p[0]).sum(); });
  EXPECT_THAT(square({tensor({4.0})}).grads[0].to_vector(), ElementsAre(8));
}

TEST(Autograd, AStepInsideAStep) {
  // Meta-learning: w' = w - 0.1 dL/dw (L = (w x - y)^2), the loss of w' differentiated by w. PyTorch gives the same
  // with create_graph; by hand: dw'/dw = 1 - 0.2 x^2.
  Tensor w = leaf({1.5});
  Tensor x = tensor({2.0}), y = tensor({1.0}), x2 = tensor({0.5}), y2 = tensor({-1.0});
  Tensor inner = (w * x - y).square().sum();
  Tensor fast = w - 0.1 * grad(inner, w);
  Tensor outer = (fast * x2 - y2).square().sum();
  outer.backward();
  const double adapted = 1.5 - 0.1 * 2 * 2.0 * (1.5 * 2.0 - 1.0);
  EXPECT_NEAR(w.grad().item(), 2 * 0.5 * (adapted * 0.5 + 1) * (1 - 0.2 * 4), 1e-6);
  EXPECT_NEAR(outer.item(), std::pow(adapted * 0.5 + 1, 2), 1e-6);
}

TEST(Autograd, NestedValueAndGrad) {
  auto inner = value_and_grad([](const Tensors& p) { return (p[0] * p[0] * p[0]).sum(); });
  auto outer = value_and_grad([&](const Tensors& p) { return inner(p).grads[0].sum(); });
  EXPECT_THAT(outer({tensor({2.0, 3.0})}).grads[0].to_vector(), ElementsAre(12, 18));
}

}  // namespace
}  // namespace mica
