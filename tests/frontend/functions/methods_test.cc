// The methods of Tensor that stand for functions: x.f(…) is f(x, …).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"

namespace mica {
namespace {

using testing::ElementsAre;

Tensor matrix() { return tensor({{3.0, 1.0, 2.0}, {6.0, 5.0, 4.0}}); }

TEST(MethodsTest, Positions) {
  EXPECT_THAT(matrix().index_select(1, tensor({2, 0})).to_vector(), ElementsAre(2, 3, 4, 6));
  EXPECT_THAT(matrix().gather(1, tensor({{1}, {2}})).to_vector(), ElementsAre(1, 4));
  EXPECT_THAT(matrix().scatter(1, tensor({{0}, {1}}), tensor({{9.0}, {8.0}})).to_vector(),
              ElementsAre(9, 1, 2, 6, 8, 4));
}

TEST(MethodsTest, Order) {
  EXPECT_THAT(matrix().argsort(-1, true).to_vector<std::int64_t>(), ElementsAre(0, 2, 1, 0, 1, 2));
  auto [sorted, from] = matrix().sort(0, true);
  EXPECT_THAT(sorted.to_vector(), ElementsAre(6, 5, 4, 3, 1, 2));
  EXPECT_THAT(from.to_vector<std::int64_t>(), ElementsAre(1, 1, 1, 0, 0, 0));
  auto [largest, at] = matrix().topk(2);
  EXPECT_THAT(largest.to_vector(), ElementsAre(3, 2, 6, 5));
  EXPECT_THAT(at.to_vector<std::int64_t>(), ElementsAre(0, 2, 0, 1));
  EXPECT_THAT(matrix().topk(1, 1, /*largest=*/false).values.to_vector(), ElementsAre(1, 4));
}

TEST(MethodsTest, RunningSumsAndProducts) {
  EXPECT_THAT(matrix().cumsum(1).to_vector(), ElementsAre(3, 4, 6, 6, 11, 15));
  EXPECT_THAT(matrix().cumprod(0).to_vector(), ElementsAre(3, 1, 2, 18, 5, 8));
}

TEST(MethodsTest, Shape) {
  EXPECT_THAT(matrix().tril().to_vector(), ElementsAre(3, 0, 0, 6, 5, 0));
  EXPECT_THAT(matrix().triu(1).to_vector(), ElementsAre(0, 1, 2, 0, 0, 4));
  EXPECT_THAT(matrix().flip({0, -1}).to_vector(), ElementsAre(4, 5, 6, 2, 1, 3));
  EXPECT_THAT(matrix().roll(1, 1).to_vector(), ElementsAre(2, 3, 1, 4, 6, 5));
}

}  // namespace
}  // namespace mica
