// Gradients of graphs of many calls: their forms are those that make a pass quadratic, or recursive, when it can be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"

namespace mica {
namespace {

using testing::ElementsAre;

constexpr int kCalls = 20'000;

Tensor ones_that_learn() { return tensor({1.0, 1.0}, {.requires_grad = true}); }

TEST(LargeGraph, TheGradientOfALongChain) {
  Tensor w = ones_that_learn(), y = tensor({1.0, 2.0});
  for (int i = 0; i < kCalls; ++i) y = y * w;  // x wⁿ
  y.sum().backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(kCalls, 2 * kCalls));
}

TEST(LargeGraph, TheGradientOfManyBranches) {
  Tensor w = ones_that_learn(), x = tensor({1.0, -1.0});
  std::vector<Tensor> branches;
  for (int i = 0; i < kCalls / 4; ++i) branches.push_back((w * x).relu() * (i % 3));
  Tensor y = branches[0];
  for (std::size_t i = 1; i < branches.size(); ++i) y = y + branches[i];
  y.sum().backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(kCalls / 4 - 1, 0));  // 0 + 1 + 2 + 0 + …, where x is positive
}

// Each node is the mean of the two below it times w.
TEST(LargeGraph, TheGradientOfATree) {
  Tensor w = ones_that_learn();
  std::vector<Tensor> level(1 << 12, w);
  while (level.size() > 1) {
    std::vector<Tensor> above;
    for (std::size_t i = 0; i < level.size(); i += 2) above.push_back((level[i] + level[i + 1]) * 0.5 * w);
    level = std::move(above);
  }
  level[0].sum().backward();  // w¹³
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(13, 13));
}

// The kernel of a concatenation must not grow with what it joins, nor that of its gradient.
TEST(LargeGraph, TheGradientOfAStackOfManyRows) {
  Tensor w = ones_that_learn();
  std::vector<Tensor> rows;
  std::vector<float> weights;
  double want = 0;
  for (int i = 0; i < kCalls; ++i) {
    rows.push_back(w * (i % 3));
    weights.push_back(static_cast<float>(i % 5));
    want += (i % 3) * (i % 5);
  }
  (stack(rows) * tensor(weights, {kCalls, 1})).sum().backward();
  EXPECT_THAT(w.grad().to_vector(), ElementsAre(want, want));
}

// Each is the mean of the one before and of one far before.
TEST(LargeGraph, TheGradientOfSkippedConnections) {
  Tensor w = ones_that_learn();
  std::vector<Tensor> means = {w * tensor({3.0, -1.0})};
  for (std::size_t i = 1; i < kCalls / 10; ++i) means.push_back(means[i - 1] * 0.5 + means[i * 7 / 9] * 0.5);
  means.back().sum().backward();
  EXPECT_NEAR(w.grad().to_vector()[0], 3, 1e-4);
  EXPECT_NEAR(w.grad().to_vector()[1], -1, 1e-4);
}

}  // namespace
}  // namespace mica
