// Tensors against wanted ones: the rule of all fixtures, |got - want| <= tolerance * (1 + |want|).
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "frontend/mica/tensor.h"

namespace mica {

inline void expect_near(const Tensor& got, const Tensor& want, double tolerance, const std::string& what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  std::vector<double> values = got.to_vector<double>(), wanted = want.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], wanted[i], tolerance * (1 + std::fabs(wanted[i]))) << what << ", element " << i;
  }
}

}  // namespace mica
