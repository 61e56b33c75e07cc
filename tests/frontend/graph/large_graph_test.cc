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

}  // namespace
}  // namespace mica
