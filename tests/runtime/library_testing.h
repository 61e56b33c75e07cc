// Library calls on arrays, for tests.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/array.h"
#include "runtime/library.h"
#include "runtime/parallel.h"

namespace mica::rt {

using Dims = std::vector<std::int64_t>;

inline Array random_floats(const Dims& dims, unsigned seed) {
  Array array = Array::uninitialized(kFloat32, dims);
  for (std::int64_t i = 0; i < array.numel(); ++i) {
    array.as<float>()[i] =
        static_cast<float>(static_cast<unsigned>(i + 17) * 2654435761u * (seed + 1) >> 8 & 0xffff) / 32768.0f - 1;
  }
  return array;
}

inline MicaEpilogue unary(const char* op, float alpha = 0, float beta = 0) {
  MicaEpilogue epilogue = {.kind = MICA_EPILOGUE_UNARY, .op = {}, .alpha = alpha, .beta = beta};
  std::strncpy(epilogue.op, op, sizeof epilogue.op - 1);
  return epilogue;
}
inline MicaEpilogue binary(const char* op) {
  MicaEpilogue epilogue = unary(op);
  epilogue.kind = MICA_EPILOGUE_BINARY;
  return epilogue;
}

inline LibraryRequest request_of(const MicaLibraryCall& call, const std::vector<Array>& arrays,
                                 std::vector<MicaEpilogue> epilogues = {}) {
  LibraryRequest request{.call = call, .epilogues = std::move(epilogues), .operands = {}, .where = "layer"};
  for (const Array& array : arrays) request.operands.push_back({array.dtype(), array.dims()});
  return request;
}

inline void run(const LibraryStep& step, const std::vector<Array>& arrays) {
  const auto state = step.make_state();
  const Array scratch = Array::uninitialized(kUInt8, {step.scratch_bytes()});
  std::vector<void*> args;
  for (const Array& array : arrays) args.push_back(array.data());
  step.run(*state, args.data(), scratch.data());
}

// Runs the call on 1 and 3 threads, which must agree in every bit.
inline void run_call(const MicaLibraryCall& call, const std::vector<Array>& arrays,
                     const std::vector<MicaEpilogue>& epilogues = {}) {
  const auto step = make_library_step(request_of(call, arrays, epilogues));
  EXPECT_EQ(step->implementation().find("ref"), std::string::npos) << step->implementation();
  run(*step, arrays);
  const Array& out = arrays.back();
  const auto* const bytes = static_cast<const char*>(out.data());
  const std::vector<char> first(bytes, bytes + out.bytes());
  set_num_threads(3);
  run(*step, arrays);
  set_num_threads(1);
  EXPECT_EQ(std::memcmp(first.data(), out.data(), first.size()), 0);
}

inline void expect_near(const Array& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.numel(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual.at(static_cast<std::int64_t>(i)), expected[i], tolerance * (1 + std::fabs(expected[i])))
        << "element " << i;
  }
}

// A unary epilogue and the function of its name.
struct UnaryCase {
  const char* op;
  float alpha, beta;
  std::function<double(double)> function;
};

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline std::vector<UnaryCase> unary_cases() {
  return {
      UnaryCase{"relu", 0, 0, [](double x) { return std::max(x, 0.0); }},
      UnaryCase{"leaky_relu", 0.25f, 0, [](double x) { return x > 0 ? x : 0.25 * x; }},
      UnaryCase{"tanh", 0, 0, [](double x) { return std::tanh(x); }},
      UnaryCase{"sigmoid", 0, 0, sigmoid},
      UnaryCase{"gelu", 0, 0, [](double x) { return x * 0.5 * std::erfc(-x * std::sqrt(0.5)); }},
      UnaryCase{"gelu_tanh", 0, 0,
                [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }},
      UnaryCase{"elu", 1, 0, [](double x) { return x > 0 ? x : std::expm1(x); }},
      UnaryCase{"silu", 0, 0, [](double x) { return x * sigmoid(x); }},
      UnaryCase{"clip", -0.5f, 0.75f, [](double x) { return std::min(std::max(x, -0.5), 0.75); }},
      UnaryCase{"abs", 0, 0, [](double x) { return std::fabs(x); }},
      UnaryCase{"sqrt", 0, 0, [](double x) { return std::sqrt(x); }}};
}

}  // namespace mica::rt
