// tests/fixtures/nn/utils.npz, made by make_nn_utils_fixtures.py, and the numbers that it begins with.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "mica/mica.h"

namespace mica {

// By path: "weight_norm/linear/out".
inline const TensorDict& nn_utils_fixtures() {
  static const TensorDict all = load_npz(MICA_SOURCE_DIR "/tests/fixtures/nn/utils.npz");
  return all;
}

// Numbers in eighths.
inline Tensor ramp(const Shape& shape, int step = 7) {
  constexpr int kModulus = 11;
  std::vector<float> values;
  for (int i = 0; i < shape.numel(); ++i) values.push_back(static_cast<float>(i * step % kModulus - kModulus / 2) / 8);
  return tensor(values, shape);
}

template <class Module>
Module filled(const Module& module) {
  int step = 7;
  for (Variable parameter : module.parameters()) {
    parameter.assign(ramp(parameter.shape(), step));
    step += 2;
  }
  return module;
}

inline void expect_values(const Tensor& got, const std::string& path) {
  const std::vector<double> values = got.to_vector<double>(), want = nn_utils_fixtures()[path].to_vector<double>();
  ASSERT_EQ(values.size(), want.size()) << path;
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], want[i], 1e-5 * (1 + std::abs(want[i]))) << path << " element " << i;
  }
}

inline void expect_state(const Layer& module, const std::string& path) {
  std::size_t known = 0;
  for (const auto& [key, values] : nn_utils_fixtures()) known += key.starts_with(path + "/");
  const TensorDict state = module.state_dict();
  EXPECT_EQ(state.size(), known);
  for (const auto& [key, value] : state) expect_values(value, path + "/" + key);
}

// Output and gradients of a call, and the state after two steps of gradient descent.
inline void expect_trained(const Layer& module, const Tensor& input, const std::string& path) {
  for (int step = 0; step < 2; ++step) {
    module.zero_grad();
    Tensor out = module(input);
    (out * ramp(out.shape(), 5)).sum().backward();
    if (step == 0) {
      expect_values(out, path + "/out");
      for (const auto& [name, parameter] : module.named_parameters()) {
        expect_values(parameter.grad(), path + "/grads/" + name);
      }
    }
    for (Variable parameter : module.parameters()) {
      NoGradGuard no_grad;
      parameter -= parameter.grad() * 0.1;
    }
  }
  expect_state(module, path + "/state");
}

}  // namespace mica
