// Fractional pooling with windows that are drawn, and mistakes; given windows: nn/module_values_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::HasSubstr;

// Without samples of one's own they are drawn: every value is a maximum of its map, the same for the same seed.
TEST(FractionalMaxPool, DrawsItsWindows) {
  Tensor x = rand({2, 3, 9, 9});
  auto pooled = [&] {
    manual_seed(5);
    return F::fractional_max_pool2d_with_indices(x, 2, {.output_size = {{5, 4}}});
  };
  MaxResult y = pooled();
  EXPECT_EQ(y.values.shape(), (Shape{2, 3, 5, 4}));
  EXPECT_EQ(y.values.to_vector(), x.flatten(2).gather(2, y.indices.flatten(2)).to_vector());
  EXPECT_EQ(pooled().indices.to_vector(), y.indices.to_vector());
  manual_seed(6);
  EXPECT_NE(F::fractional_max_pool2d_with_indices(x, 2, {.output_size = {{5, 4}}}).indices.to_vector(),
            y.indices.to_vector());
}

TEST(FractionalMaxPool, Mistakes) {
  Tensor x = ones({1, 1, 4, 4});
  EXPECT_THAT(error_of([&] { F::max_pool2d(x, 2, {.return_indices = true}); }), HasSubstr("return_indices"));
  EXPECT_THAT(error_of([&] { F::fractional_max_pool2d(x, 2, {}); }), HasSubstr("output_size or output_ratio"));
  EXPECT_THAT(error_of([&] { F::fractional_max_pool2d(x, 3, {.output_size = {{3, 3}}}); }), HasSubstr("fit 3 times"));
}

}  // namespace
}  // namespace mica
