#include "frontend/views/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/error.h"

namespace mica::views {
namespace {

constexpr int kMostSweeps = 50;  // convergence is quadratic: ten are plenty

class Jacobi {
 public:
  Jacobi(std::vector<double> matrix, std::size_t n) : matrix_(std::move(matrix)), n_(n), vectors_(n) {
    for (std::size_t i = 0; i < n; ++i) {
      vectors_[i].assign(n, 0.0);
      vectors_[i][i] = 1;
    }
  }

  SymmetricEigen solve() {
    for (int sweep = 0; sweep < kMostSweeps && !is_diagonal(); ++sweep) {
      for (std::size_t p = 0; p < n_; ++p) {
        for (std::size_t q = p + 1; q < n_; ++q) rotate(p, q);
      }
    }
    return sorted();
  }

 private:
  double& at(std::size_t i, std::size_t j) { return matrix_[i * n_ + j]; }

  bool is_diagonal() {
    double off_diagonal = 0, diagonal = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      diagonal += at(i, i) * at(i, i);
      for (std::size_t j = 0; j < i; ++j) off_diagonal += at(i, j) * at(i, j);
    }
    return off_diagonal <= 1e-30 * diagonal;
  }

  // Turns the plane of p and q so that their common entry becomes zero.
  void rotate(std::size_t p, std::size_t q) {
    if (at(p, q) == 0) return;
    const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
    const double tangent = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
    const double cosine = 1 / std::sqrt(tangent * tangent + 1), sine = tangent * cosine;
    const auto turn = [&](double& a, double& b) {
      const double old_a = a, old_b = b;
      a = cosine * old_a - sine * old_b;
      b = sine * old_a + cosine * old_b;
    };
    for (std::size_t k = 0; k < n_; ++k) turn(at(k, p), at(k, q));
    for (std::size_t k = 0; k < n_; ++k) turn(at(p, k), at(q, k));
    for (std::size_t k = 0; k < n_; ++k) turn(vectors_[p][k], vectors_[q][k]);
  }

  SymmetricEigen sorted() {
    std::vector<std::size_t> order(n_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return at(a, a) > at(b, b); });
    SymmetricEigen eigen;
    for (const std::size_t i : order) {
      eigen.values.push_back(at(i, i));
      eigen.vectors.push_back(std::move(vectors_[i]));
    }
    return eigen;
  }

  std::vector<double> matrix_;
  std::size_t n_;
  std::vector<std::vector<double>> vectors_;
};

}  // namespace

SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::int64_t n) {
  const auto size = static_cast<std::size_t>(n);
  MICA_CHECK(matrix.size() == size * size) << "a square matrix of " << n << " rows";
  return Jacobi(std::move(matrix), size).solve();
}

}  // namespace mica::views
