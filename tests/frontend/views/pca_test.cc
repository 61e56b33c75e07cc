#include "frontend/views/pca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "frontend/views/symmetric_eigen.h"
#include "runtime/error.h"

namespace mica::views {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// numpy: [[((r * 7 + c * 11 + r * c * 3) % 13) - 6 + 0.5 * c for c in range(10)] for r in range(12)]
std::vector<float> twelve_rows_of_ten() {
  std::vector<float> data;
  for (int r = 0; r < 12; ++r) {
    for (int c = 0; c < 10; ++c) data.push_back(static_cast<float>((r * 7 + c * 11 + r * c * 3) % 13 - 6 + 0.5 * c));
  }
  return data;
}

TEST(PcaTest, EqualsNumpysEigenvectorsOfTheCovariance) {
  const Pca pca = principal_components(twelve_rows_of_ten(), 10, 3);
  EXPECT_THAT(pca.variances, Pointwise(DoubleNear(1e-7), {37.12007512, 33.99537567, 15.36363636}));
  EXPECT_NEAR(pca.total_variance, 135.61363636363637, 1e-10);
  const std::vector<double> first{-2.421514907897e-01, 4.910913402388e-01,  0,
                                  4.989628302230e-01,  -1.754454928859e-01, -1.538366240930e-01,
                                  -2.275751941327e-01, 4.227883342832e-01,  -2.540117958078e-01,
                                  -3.189338179313e-01};
  EXPECT_THAT(pca.axes[0], Pointwise(DoubleNear(1e-4), first));
  ASSERT_EQ(pca.scores.size(), 12u);
  EXPECT_THAT(pca.scores[0], Pointwise(DoubleNear(1e-3), {7.074073071423, -5.788340409364, 3.474396144862}));
  EXPECT_THAT(pca.scores[2], Pointwise(DoubleNear(1e-3), {-6.704292110319, -5.726294275691, 0.0}));
}

TEST(PcaTest, AxesAreOrthonormalAndScoresHaveTheirVariances) {
  const Pca pca = principal_components(twelve_rows_of_ten(), 10, 8);
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double dot = std::inner_product(pca.axes[i].begin(), pca.axes[i].end(), pca.axes[j].begin(), 0.0);
      EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-12);
    }
    double variance = 0;
    for (const auto& row : pca.scores) variance += row[i] * row[i] / 11;
    EXPECT_NEAR(variance, pca.variances[i], 1e-6 * pca.variances[0]);
  }
}

TEST(PcaTest, FindsTheLineOfPointsOnALine) {
  const Pca pca = principal_components(std::vector<float>{1, 1, 2, 3, 3, 5}, 2);
  EXPECT_THAT(pca.mean, ElementsAre(2, 3));
  EXPECT_THAT(pca.axes[0], Pointwise(DoubleNear(1e-12), {1 / std::sqrt(5.0), 2 / std::sqrt(5.0)}));
  EXPECT_THAT(pca.variances, Pointwise(DoubleNear(1e-12), {5.0, 0.0}));
  EXPECT_THAT(pca.scores[2], Pointwise(DoubleNear(1e-12), {std::sqrt(5.0), 0.0}));
}

TEST(PcaTest, ConstantDataHasNoVariance) {
  const Pca pca = principal_components(std::vector<float>(12, 3.0F), 4);
  EXPECT_THAT(pca.variances, ElementsAre(0, 0));
  EXPECT_EQ(pca.total_variance, 0);
  EXPECT_THAT(pca.scores[1], ElementsAre(0, 0));
}

TEST(PcaTest, ChecksItsArguments) {
  EXPECT_THROW(principal_components(std::vector<float>(5), 2), InternalError);
  EXPECT_THROW(principal_components(std::vector<float>(2), 2), InternalError);
  EXPECT_THROW(principal_components(std::vector<float>(8), 2, 9), InternalError);
}

TEST(SymmetricEigenTest, SolvesByHand) {
  const SymmetricEigen eigen = symmetric_eigen({2, 1, 1, 2}, 2);
  EXPECT_THAT(eigen.values, Pointwise(DoubleNear(1e-14), {3.0, 1.0}));
  EXPECT_NEAR(std::abs(eigen.vectors[0][0]), std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(eigen.vectors[0][0], eigen.vectors[0][1], 1e-14);
  EXPECT_NEAR(eigen.vectors[1][0], -eigen.vectors[1][1], 1e-14);
}

}  // namespace
}  // namespace mica::views
