// Eigenvectors of small symmetric matrices by Jacobi's rotations.
#pragma once
#include <cstdint>
#include <vector>

namespace mica::views {

struct SymmetricEigen {
  std::vector<double> values;                // falling
  std::vector<std::vector<double>> vectors;  // the unit eigenvector of each value
};

// `matrix` is n x n, row-major.
SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::int64_t n);

}  // namespace mica::views
