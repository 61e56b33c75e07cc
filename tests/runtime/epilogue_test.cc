#include "runtime/epilogue.h"

#include <gtest/gtest.h>

#include <limits>

#include "runtime/cpu.h"
#include "tests/runtime/library_testing.h"

namespace mica::rt {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSpecial[] = {kNan,  kInfinity, -kInfinity, -0.0f, 0,    3e38f, -3e38f,
                              1e20f, -1e20f,    12,         -12,   0.5f, -0.5f};
constexpr std::int64_t kRows = std::size(kSpecial);

// A call whose result before the epilogues is kSpecial[row] in each column.
struct Call {
  const char* name;
  MicaLibraryCall call;
  std::vector<Array> operands;  // and the result
  std::int64_t columns;
};

Array with_first_column(Dims dims) {
  Array array = Array::zeros(kFloat32, dims);
  for (std::int64_t row = 0; row < kRows; ++row) array.as<float>()[row * dims.back()] = kSpecial[row];
  return array;
}

MicaLibraryCall call_of(MicaLibraryKind kind) {
  MicaLibraryCall call = {};
  call.kind = static_cast<std::uint8_t>(kind);
  call.groups = 1;
  call.spatial_rank = kind == MICA_MATMUL ? 0 : 2;
  for (int i = 0; i < call.spatial_rank; ++i) call.strides[i] = call.dilations[i] = 1;
  return call;
}

Call product(const char* name, std::int64_t depth, std::int64_t columns) {
  Array b = Array::zeros(kFloat32, {depth, columns});
  std::fill_n(b.as<float>(), columns, 1.0f);
  return {name,
          call_of(MICA_MATMUL),
          {with_first_column({kRows, depth}), b, Array::zeros(kFloat32, {kRows, columns})},
          columns};
}

std::vector<Call> calls() {
  Array ones = Array::zeros(kFloat32, {1, 1, 1, 20}), first_output = Array::zeros(kFloat32, {1, 1, 3, 16});
  std::fill_n(ones.as<float>(), 20, 1.0f);
  for (int i = 0; i < 3; ++i) first_output.as<float>()[i * 16] = 1;
  return {product("matmul", 1, 20),
          product("matmul cut in columns", 64, 4096),
          {"conv",
           call_of(MICA_CONV),
           {with_first_column({1, 1, kRows, 1}), ones, Array::zeros(kFloat32, {1, 1, kRows, 20})},
           20},
          {"conv transposed",
           call_of(MICA_CONV_GRAD_INPUT),
           {with_first_column({1, 1, kRows, 16}), first_output, Array::zeros(kFloat32, {1, 1, kRows, 3})},
           3}};
}

void expect_equal(double got, double want, const std::string& what) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << what << " = " << got;
  } else if (std::isinf(want) || want == 0) {
    EXPECT_EQ(got, want) << what;
  } else {
    EXPECT_NEAR(got, want, 4e-6 * (1 + std::fabs(want))) << what;
  }
}

void expect_rows(const Call& call, const std::vector<MicaEpilogue>& epilogues, const std::vector<Array>& operands,
                 const std::function<double(double)>& function) {
  std::vector<Array> arrays = call.operands;
  arrays.insert(arrays.end() - 1, operands.begin(), operands.end());
  run_call(call.call, arrays, epilogues);
  for (std::int64_t i = 0; i < kRows * call.columns; ++i) {
    const float x = kSpecial[i / call.columns];
    expect_equal(arrays.back().at(i), function(x),
                 std::string(call.name) + ": " + epilogues[0].op + "(" + std::to_string(x) + ")");
    if (testing::Test::HasFailure()) return;
  }
}

// The reference's, where std::max and the like would lose NaN.
double keep_nan(double x, const std::function<double(double)>& function) { return std::isnan(x) ? x : function(x); }

TEST(EpilogueOfSpecialValues, UnaryOnesFollowTheReference) {
  for (const Call& call : calls()) {
    for (const UnaryCase& c : unary_cases()) {
      expect_rows(call, {unary(c.op, c.alpha, c.beta)}, {}, [&](double x) {
        if (std::string_view(c.op) == "gelu") return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5)));
        return keep_nan(x, c.function);
      });
    }
  }
}

TEST(EpilogueOfSpecialValues, BinaryOnesFollowTheReference) {
  for (const Call& call : calls()) {
    const Array half = Array::zeros(kFloat32, {});
    half.as<float>()[0] = 0.5f;
    expect_rows(call, {binary("maximum")}, {half},
                [](double x) { return keep_nan(x, [](double v) { return std::max(v, 0.5); }); });
    expect_rows(call, {binary("minimum")}, {half},
                [](double x) { return keep_nan(x, [](double v) { return std::min(v, 0.5); }); });
    half.as<float>()[0] = kNan;
    expect_rows(call, {binary("maximum")}, {half}, [](double) { return kNan; });
  }
}

TEST(EpilogueOfSpecialValues, WhatFollowsAnOwnOneSeesItsResult) {
  for (const Call& call : calls()) {
    const Array ones = Array::zeros(kFloat32, {call.columns}),
                full = Array::zeros(kFloat32, call.operands.back().dims());
    std::fill_n(ones.as<float>(), ones.numel(), 1.0f);
    std::fill_n(full.as<float>(), full.numel(), 2.0f);
    expect_rows(call, {unary("relu"), binary("subtract"), binary("multiply"), unary("tanh")}, {ones, full},
                [](double x) { return std::tanh((keep_nan(x, [](double v) { return std::max(v, 0.0); }) - 1) * 2); });
  }
}

TEST(EpilogueOfSpecialValues, BFloat16IsRoundedOnceAtTheEnd) {
  if (!cpu_features().avx512) GTEST_SKIP() << "NOT TESTED: oneDNN multiplies bfloat16 on AVX-512 alone";
  const Array a = with_first_column({kRows, 8}).cast(kBFloat16), b = random_floats({8, 40}, 1).cast(kBFloat16),
              scale = random_floats({40}, 2).cast(kBFloat16), out = Array::zeros(kBFloat16, {kRows, 40});
  run_call(call_of(MICA_MATMUL), {a, b, scale, out}, {unary("relu"), binary("multiply")});
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    const double x = a.at(i / 40 * 8) * b.at(i % 40), relu = keep_nan(x, [](double v) { return std::max(v, 0.0); });
    const double want = relu * scale.at(i % 40);
    if (std::isfinite(want)) {
      ASSERT_NEAR(out.at(i), want, std::fabs(want) / 256);
    } else {
      expect_equal(out.at(i), want, "bf16");
    }
  }
}

TEST(EpilogueOfNothing, IsOfTheBias) {
  const auto expect_relu_of_bias = [](MicaLibraryCall call, const Dims& a, const Dims& b, const Dims& out) {
    call.has_bias = 1;
    const Array bias = random_floats({out.back()}, 1), other = random_floats(out, 2), result = random_floats(out, 3);
    run_call(call, {Array::zeros(kFloat32, a), Array::zeros(kFloat32, b), bias, other, result},
             {unary("relu"), binary("add")});
    for (std::int64_t i = 0; i < result.numel(); ++i)
      ASSERT_EQ(result.at(i), static_cast<float>(std::max(bias.at(i % out.back()), 0.0) + other.at(i)));
  };
  expect_relu_of_bias(call_of(MICA_MATMUL), {3, 0}, {0, 5}, {3, 5});
  expect_relu_of_bias(call_of(MICA_MATMUL), {2, 4, 0}, {2, 0, 5}, {2, 4, 5});
  expect_relu_of_bias(call_of(MICA_CONV), {2, 5, 6, 0}, {2, 3, 0, 7}, {2, 4, 4, 7});
  expect_relu_of_bias(call_of(MICA_CONV_GRAD_INPUT), {2, 4, 4, 0}, {2, 3, 7, 0}, {2, 5, 6, 7});
  MicaLibraryCall padding_alone = call_of(MICA_CONV);
  padding_alone.pad_low[0] = padding_alone.pad_high[0] = 1;
  expect_relu_of_bias(padding_alone, {2, 0, 6, 3}, {2, 3, 3, 7}, {2, 1, 4, 7});
}

}  // namespace
}  // namespace mica::rt
