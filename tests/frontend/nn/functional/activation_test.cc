// Activations whose values are drawn. The others: fixtures/torch/functional.
#include <gtest/gtest.h>

#include <cmath>

#include "mica/mica.h"

namespace mica {
namespace {

// Rows of logits whose softmax is 0.5, 0.3, 0.2.
Tensor logits(std::int64_t rows) { return broadcast_to(tensor({0.5, 0.3, 0.2}).log(), {rows, 3}); }

TEST(GumbelSoftmax, SamplesAreRightWithoutATemperature) {
  manual_seed(3);
  const std::int64_t rows = 20000;
  Tensor hard = F::gumbel_softmax(logits(rows), {.hard = true});
  const std::vector<float> values = hard.to_vector();
  for (float value : values) EXPECT_NEAR(value * (1 - value), 0, 1e-6);
  const std::vector<float> shares = hard.mean(0).to_vector();
  const float want[] = {0.5F, 0.3F, 0.2F};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(shares[i], want[i], 5 * std::sqrt(0.25 / rows));
  EXPECT_NEAR(F::gumbel_softmax(logits(7)).sum().item(), 7, 1e-5);
}

// y_hard - y_soft.detach() + y_soft: the value is one-hot, the gradient that of the soft sample.
TEST(GumbelSoftmax, AHardSampleHasTheGradientOfTheSoftOne) {
  Tensor weights = tensor({{1.0, -2.0, 3.0, 0.5}});
  auto gradient = [&](bool hard) {
    manual_seed(11);
    Variable x(tensor({{0.1, 0.7, -0.4, 0.2}}));
    (F::gumbel_softmax(x, {.tau = 0.7, .hard = hard}) * weights).sum().backward();
    return x.grad().to_vector();
  };
  const std::vector<float> hard = gradient(true), soft = gradient(false);
  for (std::size_t i = 0; i < soft.size(); ++i) EXPECT_NEAR(hard[i], soft[i], 1e-6);
  manual_seed(11);
  EXPECT_EQ(F::gumbel_softmax(ones({2, 3, 4}), {.hard = true, .dim = 1}).sum(1).to_vector(),
            std::vector<float>(8, 1.0F));
}

}  // namespace
}  // namespace mica
