// Principal components: the directions in which data varies most.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace mica::views {

struct Pca {
  std::vector<double> mean;                 // of each feature
  std::vector<std::vector<double>> axes;    // orthonormal, by falling variance; the largest entry of each is positive
  std::vector<double> variances;            // along each axis, divided by rows - 1
  double total_variance = 0;                // of all features
  std::vector<std::vector<double>> scores;  // rows x components: the centred data along the axes
};

// `data` is rows x features, row-major, at least two rows; components is 1 to 8. Gives min(components, features) axes.
Pca principal_components(std::span<const float> data, std::int64_t features, int components = 2);

}  // namespace mica::views
