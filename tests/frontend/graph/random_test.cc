// Random numbers of the shape of another tensor.
#include <gtest/gtest.h>

#include "frontend/mica/functional.h"
#include "frontend/mica/functions.h"
#include "frontend/mica/layers.h"

namespace mica {
namespace {

TEST(RandomLike, AnOpenShapeIsDrawnAnewAtEachRun) {
  manual_seed(3);
  Tensor x = Input({16});
  Model model({x}, {{"normal", randn_like(x)}, {"uniform", rand_like(x)}});
  const Tensor rows = zeros({2000, 16});
  const TensorDict first = model.predict_dict(rows), second = model.predict_dict(rows);
  EXPECT_EQ(first["normal"].shape(), (Shape{2000, 16}));
  EXPECT_NEAR(first["normal"].mean().item(), 0, 0.03);  // 5 standard errors of 32,000 draws
  EXPECT_NEAR(first["normal"].var().item(), 1, 0.04);
  EXPECT_NEAR(first["uniform"].mean().item(), 0.5, 0.01);
  EXPECT_GE(first["uniform"].min().item(), 0);
  EXPECT_LT(first["uniform"].max().item(), 1);
  EXPECT_GT((first["normal"] - second["normal"]).abs().mean().item(), 1) << "two independent normals are 1.13 apart";
}

TEST(Dropout, OfTheFunctionalKindDropsOthersInEachRunOfAModel) {
  Tensor x = Input({64});
  Model model({x}, {F::dropout(x, 0.5, {.training = true})});
  const Tensor rows = ones({10, 64});
  EXPECT_GT((model.predict(rows) - model.predict(rows)).abs().sum().item(), 0);
}

TEST(RandomLike, TheSeedDecides) {
  const Tensor x = zeros({3, 4});
  manual_seed(7);
  const std::vector<float> first = randn_like(x).to_vector();
  EXPECT_NE(randn_like(x).to_vector(), first);
  manual_seed(7);
  EXPECT_EQ(randn_like(x).to_vector(), first);
}

// z = mean + deviation * noise: the noise hands no gradient on, the deviation's gradient is the noise.
TEST(RandomLike, IsAConstantToGradients) {
  Tensor deviation = full({5}, 2.0).requires_grad_();
  const Tensor noise = randn_like(deviation);
  (deviation * noise).sum().backward();
  EXPECT_EQ(deviation.grad().to_vector(), noise.to_vector());
}

TEST(Bernoulli, DrawsOnesWithTheGivenProbability) {
  manual_seed(11);
  const Tensor drawn = bernoulli(full({20000}, 0.25));
  EXPECT_NEAR(drawn.mean().item(), 0.25, 0.016);  // 5 standard errors
  EXPECT_EQ(((drawn == 0) | (drawn == 1)).all().item(), 1);
}

}  // namespace
}  // namespace mica
