#include "frontend/views/pca.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "frontend/views/symmetric_eigen.h"
#include "runtime/error.h"

namespace mica::views {
namespace {

constexpr std::size_t kWidth = 8;  // directions that are iterated together: wider converges faster
constexpr int kMostIterations = 300;
constexpr double kTolerance = 1e-10;  // relative change of the variances at which the iteration ends

using Coefficients = std::array<double, kWidth>;  // one number for each direction
using Block = std::vector<Coefficients>;          // features x directions

double column_dot(const Block& a, std::size_t i, const Block& b, std::size_t j) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k][i] * b[k][j];
  return sum;
}

// Gram-Schmidt, twice over for the sake of rounding. A direction that is none of its own becomes zero.
void orthonormalize(Block* block) {
  for (std::size_t i = 0; i < kWidth; ++i) {
    const double before = std::sqrt(column_dot(*block, i, *block, i));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const double share = column_dot(*block, i, *block, j);
        for (Coefficients& row : *block) row[i] -= share * row[j];
      }
    }
    const double norm = std::sqrt(column_dot(*block, i, *block, i));
    const double scale = norm > 1e-12 * before ? 1 / norm : 0;
    for (Coefficients& row : *block) row[i] *= scale;
  }
}

// Fixed directions to start from, none along a feature, so that results are the same in every run.
Block starting_directions(std::size_t features) {
  Block block(features);
  for (std::size_t k = 0; k < features; ++k) {
    for (std::size_t i = 0; i < kWidth; ++i)
      block[k][i] = std::cos(0.7 * static_cast<double>((i + 1) * (k + 1)) + static_cast<double>(i));
  }
  orthonormalize(&block);
  return block;
}

// The data without its mean, which is never stored.
class CentredData {
 public:
  CentredData(std::span<const float> data, std::size_t features)
      : data_(data), features_(features), rows_(data.size() / features), mean_(features, 0.0) {
    for (std::size_t i = 0; i < data.size(); ++i) mean_[i % features] += data[i];
    for (double& mean : mean_) mean /= static_cast<double>(rows_);
  }

  const std::vector<double>& mean() const { return mean_; }
  std::size_t rows() const { return rows_; }

  double total_variance() const {
    double sum = 0;
    for (std::size_t i = 0; i < data_.size(); ++i) sum += std::pow(data_[i] - mean_[i % features_], 2);
    return sum / static_cast<double>(rows_ - 1);
  }

  // One row along every direction.
  Coefficients scores(std::size_t row, const Block& directions) const {
    Coefficients sums{};
    for (std::size_t k = 0; k < features_; ++k) {
      const double value = data_[row * features_ + k] - mean_[k];
      for (std::size_t i = 0; i < kWidth; ++i) sums[i] += value * directions[k][i];
    }
    return sums;
  }

  // The covariance matrix times the directions, without the matrix: X^T (X D) / (rows - 1).
  Block apply_covariance(const Block& directions) const {
    Block result(features_, Coefficients{});
    for (std::size_t row = 0; row < rows_; ++row) {
      const Coefficients along = scores(row, directions);
      for (std::size_t k = 0; k < features_; ++k) {
        const double value = data_[row * features_ + k] - mean_[k];
        for (std::size_t i = 0; i < kWidth; ++i) result[k][i] += value * along[i];
      }
    }
    for (Coefficients& row : result) {
      for (double& x : row) x /= static_cast<double>(rows_ - 1);
    }
    return result;
  }

 private:
  std::span<const float> data_;
  std::size_t features_, rows_;
  std::vector<double> mean_;
};

// One step of the subspace iteration: the images of the directions, turned to the best eigenvectors among their
// combinations (Rayleigh and Ritz). Gives the variances along them.
std::vector<double> improve(const CentredData& data, Block* directions) {
  const Block images = data.apply_covariance(*directions);
  std::vector<double> projected(kWidth * kWidth);
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      projected[i * kWidth + j] = (column_dot(*directions, i, images, j) + column_dot(*directions, j, images, i)) / 2;
    }
  }
  const SymmetricEigen eigen = symmetric_eigen(std::move(projected), kWidth);
  for (std::size_t k = 0; k < images.size(); ++k) {
    for (std::size_t i = 0; i < kWidth; ++i) {
      (*directions)[k][i] = 0;
      for (std::size_t j = 0; j < kWidth; ++j) (*directions)[k][i] += eigen.vectors[i][j] * images[k][j];
    }
  }
  orthonormalize(directions);
  return eigen.values;
}

// Direction i by itself, its largest entry positive: an axis has no sign of its own.
std::vector<double> axis_of(Block* directions, std::size_t i) {
  const auto largest = std::max_element(directions->begin(), directions->end(),
                                        [i](const auto& a, const auto& b) { return std::abs(a[i]) < std::abs(b[i]); });
  const double sign = (*largest)[i] < 0 ? -1 : 1;
  std::vector<double> axis;
  for (Coefficients& row : *directions) axis.push_back(row[i] *= sign);
  return axis;
}

}  // namespace

Pca principal_components(std::span<const float> values, std::int64_t feature_count, int components) {
  MICA_CHECK(feature_count > 0 && components > 0 && components <= static_cast<int>(kWidth))
      << components << " principal components of " << feature_count << " features";
  const auto features = static_cast<std::size_t>(feature_count);
  MICA_CHECK(values.size() % features == 0 && values.size() >= 2 * features) << "at least two whole rows";

  const CentredData data(values, features);
  const std::size_t kept = std::min(features, static_cast<std::size_t>(components));
  Block directions = starting_directions(features);
  std::vector<double> variances(kWidth, 0.0);
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    const std::vector<double> before = std::exchange(variances, improve(data, &directions));
    double change = 0;
    for (std::size_t i = 0; i < kept; ++i) change = std::max(change, std::abs(variances[i] - before[i]));
    if (change <= kTolerance * variances[0]) break;
  }

  Pca pca{.mean = data.mean(), .axes = {}, .variances = {}, .total_variance = data.total_variance(), .scores = {}};
  for (std::size_t i = 0; i < kept; ++i) {
    pca.axes.push_back(axis_of(&directions, i));
    pca.variances.push_back(std::max(variances[i], 0.0));
  }
  for (std::size_t row = 0; row < data.rows(); ++row) {
    const Coefficients scores = data.scores(row, directions);
    pca.scores.emplace_back(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  return pca;
}

}  // namespace mica::views
