// What nn::AdaptiveLogSoftmaxWithLoss knows beside its loss, and mistakes; its values: module_values_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::HasSubstr;

// The negative log probability of a class is the loss of a row that has it as its target.
TEST(AdaptiveLogSoftmax, ProbabilitiesAgreeWithTheLosses) {
  nn::AdaptiveLogSoftmaxWithLoss module(8, 10, {3, 6}, {.div_value = 2});
  Tensor x = randn({10, 8}), target = tensor({9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
  Tensor log_prob = module.log_prob(x);
  EXPECT_EQ(log_prob.shape(), (Shape{10, 10}));
  for (float sum : log_prob.exp().sum(1).to_vector()) EXPECT_NEAR(sum, 1, 1e-5);
  const std::vector<float> want = log_prob.gather(1, target.unsqueeze(1)).to_vector();
  const std::vector<float> got = module(x, target).output.to_vector();
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5);
  EXPECT_EQ(module.predict(x).to_vector(), log_prob.argmax(1).to_vector());
}

TEST(AdaptiveLogSoftmax, Mistakes) {
  EXPECT_THAT(error_of([] { nn::AdaptiveLogSoftmaxWithLoss(8, 10, {6, 3}); }), HasSubstr("cutoffs that increase"));
  EXPECT_THAT(error_of([] { nn::AdaptiveLogSoftmaxWithLoss(8, 10, {10}); }), HasSubstr("at most 9"));
  nn::AdaptiveLogSoftmaxWithLoss module(8, 10, {3, 6});
  EXPECT_THAT(error_of([&] { module(ones({2, 8}), tensor({{1}, {2}})); }), HasSubstr("targets [N]"));
  for (int wrong : {-1, 10}) {
    EXPECT_THAT(error_of([&] { module(ones({2, 8}), tensor({1, wrong})).loss.item(); }), HasSubstr("expected indices from 0"))
        << wrong;
  }
}

}  // namespace
}  // namespace mica
