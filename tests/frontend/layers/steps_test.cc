// How many steps of a Program the layers become: normalisations one kernel, attention its products and what lies
// between.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "frontend/mica/layers.h"

namespace mica {
namespace {

// The steps of one run; packing of weights is none of them.
int steps_of(const Tensor& input, const Tensor& output) {
  const std::string program = Model({input}, {output}).dump(Stage::kProgram);
  const std::size_t end = program.find(" run steps");
  if (end == std::string::npos) throw std::runtime_error("no number of steps in " + program);
  return std::stoi(program.substr(program.find_last_not_of("0123456789", end - 1) + 1, end));
}

TEST(Steps, ANormalizationOfRowsIsOneKernel) {
  Tensor image = Input({8, 8, 32});
  EXPECT_EQ(steps_of(image, LayerNormalization()(image)), 1);
  EXPECT_EQ(steps_of(image, RMSNormalization()(image)), 1);
  EXPECT_EQ(steps_of(image, UnitNormalization()(image)), 1);
  EXPECT_EQ(steps_of(image, BatchNormalization()(image)), 1);
}

// Reductions over axes that are no rows are kernels of their own.
TEST(Steps, OtherNormalizationsAreAFewKernels) {
  Tensor image = Input({8, 8, 32});
  EXPECT_LE(steps_of(image, LayerNormalization({.axis = {1, 2}})(image)), 4);
  EXPECT_LE(steps_of(image, GroupNormalization(8)(image)), 5);
  EXPECT_LE(steps_of(image, Softmax({.axis = {1, 2}})(image)), 2);
}

TEST(Steps, AttentionIsItsProductsAndWhatLiesBetween) {
  Tensor x = Input({16, 32});
  int self = steps_of(x, MultiHeadAttention(4, 8)(x, x));
  EXPECT_EQ(self, 11) << "4 projections, 2 products, heads to the front of 3 and back of 1, softmax";
  EXPECT_EQ(steps_of(x, MultiHeadAttention(4, 8)(x, x, {.use_causal_mask = true})), self) << "masks are in the softmax";
  EXPECT_LE(steps_of(x, GroupQueryAttention(8, 4, 2)(x, x)), self + 2);
  EXPECT_EQ(steps_of(x, Attention()({x, x})), 3) << "scores, softmax, values";
  EXPECT_EQ(steps_of(x, AdditiveAttention()({x, x})), 3);
}

}  // namespace
}  // namespace mica
