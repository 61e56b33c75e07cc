// Sweeps the own elementary functions against the C library in double; the bounds are those of expand_math.h.
#include "compiler/loop/expand_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "compiler/loop/interpret.h"

namespace mica::loop {
namespace {

const float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kTiny = std::numeric_limits<float>::denorm_min();
const float kMax = std::numeric_limits<float>::max();

Kernel elementwise(ScalarOp f, int arity, DType dtype = kFloat32) {
  Kernel kernel{"k", {}, nullptr};
  ir::Dims dims = {ir::Dim::symbol("N")};
  VarRef i = make_var("i");
  Exprs operands;
  for (int slot = 0; slot < arity; ++slot) {
    kernel.params.push_back(std::make_shared<Buffer>(Buffer{slot ? "b" : "a", dtype, dims}));
    operands.push_back(load(kernel.params.back(), {var(i)}));
  }
  kernel.params.push_back(std::make_shared<Buffer>(Buffer{"y", dtype, dims, Space::kParam, Access::kOut}));
  kernel.body = loop_over(LoopKind::kSerial, i, dim(dims[0]), store(kernel.params.back(), {var(i)}, op(f, operands)));
  return kernel;
}

std::vector<float> run(const Kernel& kernel, std::vector<float> a, std::vector<float> b = {}) {
  std::vector<float> y(a.size());
  std::vector<InterpretBuffer> buffers = {{a.data(), a.size() * sizeof(float)}};
  if (kernel.params.size() == 3) buffers.push_back({b.data(), b.size() * sizeof(float)});
  buffers.push_back({y.data(), y.size() * sizeof(float)});
  const std::int64_t dims[] = {static_cast<std::int64_t>(a.size())};
  absl::Status status = interpret(kernel, buffers, dims, {.check_races = false});
  EXPECT_TRUE(status.ok()) << status;
  return y;
}

std::vector<float> expanded(ScalarOp f, std::vector<float> a, std::vector<float> b = {}) {
  return run(expand_math(elementwise(f, info(f).arity)), std::move(a), std::move(b));
}
float expanded1(ScalarOp f, float x) { return expanded(f, {x})[0]; }
float expanded2(ScalarOp f, float x, float y) { return expanded(f, {x}, {y})[0]; }

// Distance in spacings of f32 at `want`; 0 where both are the same infinity or NaN.
double ulps(float got, double want) {
  const float nearest = static_cast<float>(want);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : 1e30;
  if (std::isinf(nearest) || std::isinf(got)) {
    // Just below the largest f32 the neighbour is infinity.
    return got == nearest || std::fabs(want) > 3.4028233e38 ? 0 : 1e30;
  }
  int exponent = 0;
  std::frexp(want, &exponent);
  return std::fabs(got - want) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

// `steps` values of each binade of [low, high], both signs where the range has them.
std::vector<float> sweep(float low, float high, int steps = 400) {
  std::vector<float> values;
  for (int exponent = -149; exponent <= 127; ++exponent) {
    for (int k = 0; k < steps; ++k) {
      float magnitude = static_cast<float>(std::ldexp(1.0 + (k + 0.37) / steps, exponent));
      for (float value : {magnitude, -magnitude}) {
        if (value >= low && value <= high) values.push_back(value);
      }
    }
  }
  return values;
}

struct Sweep {
  const char* name;
  double bound;  // ulp
  float low, high;
};

class ExpandMath : public ::testing::TestWithParam<Sweep> {};

TEST_P(ExpandMath, StaysWithinItsBound) {
  const Sweep& sweep_of = GetParam();
  const ScalarOp f = *find_scalar_op(sweep_of.name);
  std::vector<float> x = sweep(sweep_of.low, sweep_of.high), y = expanded(f, x);
  ASSERT_GT(x.size(), 1000u);
  double worst = 0;
  float at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double operand = x[i];
    const double error = ulps(y[i], info(f).evaluate(&operand));
    if (error > worst) {
      worst = error;
      at = x[i];
    }
  }
  RecordProperty("max_ulp", std::to_string(worst));
  EXPECT_LE(worst, sweep_of.bound) << sweep_of.name << "(" << at << ") = " << expanded1(f, at);
}

constexpr float kEverything = std::numeric_limits<float>::max();
INSTANTIATE_TEST_SUITE_P(Functions, ExpandMath,
                         ::testing::Values(Sweep{"exp", 1.0, -120, 100}, Sweep{"expm1", 1.4, -120, 100},
                                           Sweep{"log", 0.8, 0, kEverything}, Sweep{"log1p", 0.8, -1, kEverything},
                                           Sweep{"tanh", 1.9, -kEverything, kEverything}, Sweep{"sinh", 1.5, -100, 100},
                                           Sweep{"cosh", 1.3, -100, 100},
                                           Sweep{"asinh", 1.5, -kEverything, kEverything},
                                           Sweep{"acosh", 1.4, 1, kEverything}, Sweep{"atanh", 1.7, -1, 1},
                                           Sweep{"sin", 1.4, -0x1p51F, 0x1p51F}, Sweep{"cos", 1.4, -0x1p51F, 0x1p51F},
                                           Sweep{"tan", 2.8, -0x1p51F, 0x1p51F}, Sweep{"asin", 2.0, -1, 1},
                                           Sweep{"acos", 1.2, -1, 1}, Sweep{"atan", 1.7, -kEverything, kEverything},
                                           Sweep{"erf", 1.2, -kEverything, kEverything},
                                           Sweep{"erfc", 4.0, -kEverything, 20}, Sweep{"lgamma", 0.6, 0, kEverything},
                                           Sweep{"rsqrt", 1.4, 0, kEverything}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(ExpandMathValues, PowOfManyPairs) {
  std::vector<float> x, y;
  for (float base : sweep(0, kEverything, 7)) {
    for (float exponent : {-3.7F, -2.0F, -1.0F, -0.5F, -1e-3F, 1e-3F, 0.33F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 17.3F}) {
      x.push_back(base);
      y.push_back(exponent);
    }
  }
  std::vector<float> got = expanded(ScalarOp::k_pow, x, y);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, ulps(got[i], std::pow(static_cast<double>(x[i]), static_cast<double>(y[i]))));
  }
  EXPECT_LE(worst, 0.6);
}

TEST(ExpandMathValues, Atan2OfManyPairs) {
  std::vector<float> y, x;
  for (float a : sweep(-1e10F, 1e10F, 3)) {
    for (float b : {-1e20F, -3.0F, -1.0F, -1e-5F, -0.0F, 0.0F, 1e-5F, 0.7F, 1.0F, 1e20F}) {
      y.push_back(a);
      x.push_back(b);
    }
  }
  std::vector<float> got = expanded(ScalarOp::k_atan2, y, x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, ulps(got[i], std::atan2(static_cast<double>(y[i]), static_cast<double>(x[i]))));
  }
  EXPECT_LE(worst, 2.5);
}

// Both operands: value and sign, as the C library has them.
void expect_same_special(ScalarOp f, std::vector<float> operands) {
  const std::vector<double> wide(operands.begin(), operands.end());
  const float want = static_cast<float>(info(f).evaluate(wide.data()));
  const float got = operands.size() == 1 ? expanded1(f, operands[0]) : expanded2(f, operands[0], operands[1]);
  const std::string text = std::string(info(f).name) + "(" + std::to_string(operands[0]) +
                           (operands.size() > 1 ? ", " + std::to_string(operands[1]) : "") + ")";
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << text << " = " << got;
    return;
  }
  if (std::isinf(want) || want == 0) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(want)) << text << " = " << got;
    return;
  }
  EXPECT_LE(ulps(got, want), 3.0) << text << " = " << got;
}

TEST(ExpandMathValues, SpecialValuesAreTheLibrarys) {
  for (const char* name : {"exp", "expm1", "log", "log1p", "tanh", "sinh", "cosh", "asinh", "acosh", "atanh", "sin",
                           "cos", "tan", "asin", "acos", "atan", "erf", "erfc", "lgamma"}) {
    for (float x : {0.0F, -0.0F, 1.0F, -1.0F, kInf, -kInf, kNan, kTiny, -kTiny, 2.0F, -2.0F}) {
      expect_same_special(*find_scalar_op(name), {x});
    }
  }
  for (const char* name : {"exp", "expm1", "tanh", "sinh", "cosh", "erf", "erfc", "atan", "asinh", "log1p"}) {
    for (float x : {kMax, -kMax}) expect_same_special(*find_scalar_op(name), {x});
  }
}

TEST(ExpandMathValues, PowAndAtan2SpecialValues) {
  const float values[] = {0.0F, -0.0F, 1.0F, -1.0F, kInf, -kInf, kNan, 0.5F, -0.5F, 2.0F, -2.0F, 3.0F, -3.0F, kMax};
  for (float a : values) {
    for (float b : values) {
      expect_same_special(ScalarOp::k_pow, {a, b});
      expect_same_special(ScalarOp::k_atan2, {a, b});
    }
  }
}

TEST(ExpandMathValues, SubnormalResultsRoundOnce) {
  for (float x = -104; x < -87; x += 0.013F) {
    EXPECT_LE(ulps(expanded1(ScalarOp::k_exp, x), std::exp(static_cast<double>(x))), 1.0) << x;
  }
  EXPECT_EQ(expanded1(ScalarOp::k_exp, 88.72284F), kInf);  // e^88.72284 is just above the largest f32
}

TEST(ExpandMathValues, LgammaLeftOfZero) {
  for (float x = -20.3F; x < -0.1F; x += 0.0617F) {
    const double want = std::lgamma(static_cast<double>(x));
    EXPECT_NEAR(expanded1(ScalarOp::k_lgamma, x), want, 1e-6 * (1 + std::fabs(want))) << x;
  }
}

TEST(ExpandMathValues, DoubleKeepsItsOperationsAndHalfComputesInFloat) {
  Kernel wide = elementwise(ScalarOp::k_exp, 1, kFloat64);
  EXPECT_EQ(print(expand_math(wide)), print(wide));
  std::vector<std::uint16_t> x = {0x3c00, 0x4000}, y(2);  // 1, 2
  Kernel half = expand_math(elementwise(ScalarOp::k_exp, 1, kFloat16));
  InterpretBuffer buffers[] = {{x.data(), 4}, {y.data(), 4}};
  const std::int64_t dims[] = {2};
  ASSERT_TRUE(interpret(half, buffers, dims).ok());
  EXPECT_EQ(y[0], 0x4170);  // 2.71875
  EXPECT_EQ(y[1], 0x4764);  // 7.390625
}

}  // namespace
}  // namespace mica::loop
