// Optimizers and schedules against real Keras in float64: tests/fixtures/optimizers.
#include "frontend/training/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/files/json.h"
#include "frontend/graph/evaluate.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/layers.h"
#include "frontend/mica/model.h"
#include "frontend/training/optimizers/registry.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using Json = nlohmann::json;

const Json& fixtures() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/optimizers/cases.json"));
  return all;
}

Described described(const Json& c) {
  Config::Value config = files::parse_json(c["config"].dump(), "cases.json").value();
  return {c["class_name"].get<std::string>(), config.object()};
}

Tensor tensor_of(const Json& values, const Shape& shape) { return tensor(values.get<std::vector<float>>(), shape); }
Shape shape_of(const Json& variable) { return Shape(variable["shape"].get<std::vector<std::int64_t>>()); }

Parameters variables_of(const Json& c) {
  Parameters variables;
  for (const Json& v : c["before"])
    variables.emplace_back(tensor_of(v["values"], shape_of(v)), v["path"].get<std::string>());
  return variables;
}

void expect_values(const Variable& variable, const Json& want) {
  ASSERT_EQ(variable.shape(), shape_of(want)) << variable.path();
  std::vector<double> got = variable.to_vector<double>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    double value = want["values"][i];
    EXPECT_NEAR(got[i], value, 2e-6 * (1 + std::abs(value))) << variable.path() << " element " << i;
  }
}

class OptimizerCase : public testing::TestWithParam<std::size_t> {};

TEST_P(OptimizerCase, EqualsKeras) {
  const Json& c = fixtures()["optimizers"][GetParam()];
  SCOPED_TRACE(c["name"].get<std::string>());
  Optimizer optimizer = internal::make_optimizer(described(c));
  Parameters variables = variables_of(c);
  optimizer.exclude_from_weight_decay({}, c["exclude"].get<std::vector<std::string>>());
  for (const Json& step : c["grads"]) {
    Tensors grads;
    for (std::size_t i = 0; i < variables.size(); ++i) grads.push_back(tensor_of(step[i], variables[i].shape()));
    optimizer.apply(grads, variables);
  }
  for (std::size_t i = 0; i < variables.size(); ++i) expect_values(variables[i], c["after"][i]);
  Parameters state = optimizer.variables();
  ASSERT_EQ(state.size(), c["state"].size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(state[i].path(), c["state"][i]["path"].get<std::string>());
    expect_values(state[i], c["state"][i]);
  }
}

TEST_P(OptimizerCase, IsWrittenAsItWasRead) {
  const Json& c = fixtures()["optimizers"][GetParam()];
  Optimizer optimizer = internal::make_optimizer(described(c));
  Json written = Json::parse(optimizer.impl().described().config.to_json());
  EXPECT_EQ(written.size(), c["config"].size());
  for (const auto& [key, value] : c["config"].items()) {
    if (value.is_number_float()) {
      EXPECT_FLOAT_EQ(written[key].get<float>(), value.get<float>()) << key;
    } else {
      EXPECT_EQ(written[key], value) << key;
    }
  }
}

std::string case_name(const testing::TestParamInfo<std::size_t>& info) {
  return fixtures()["optimizers"][info.param]["name"];
}
INSTANTIATE_TEST_SUITE_P(Keras, OptimizerCase, testing::Range<std::size_t>(0, fixtures()["optimizers"].size()),
                         case_name);

TEST(ScheduleTest, RatesAreKeras) {
  for (const Json& c : fixtures()["schedules"]) {
    LearningRate rate = internal::make_schedule(described(c));
    for (std::size_t step = 0; step < c["rates"].size(); ++step) {
      EXPECT_NEAR(rate.at(static_cast<std::int64_t>(step)), c["rates"][step].get<double>(), 1e-12)
          << c["config"].dump() << " step " << step;
    }
    EXPECT_EQ(Json::parse(internal::FieldValue<LearningRate>::write(rate).to_json())["config"], c["config"]);
  }
}

TEST(ScheduleTest, AFunctionOfTheStepIsASchedule) {
  LearningRate halving = std::function<Tensor(const Tensor&)>([](const Tensor& step) { return 0.5 / (step + 1); });
  EXPECT_DOUBLE_EQ(halving.at(0), 0.5);
  EXPECT_DOUBLE_EQ(halving.at(3), 0.125);
}

TEST(OptimizerTest, OnlyOneClipping) {
  EXPECT_EQ(error_of([] { SGD(0.1, {.clipnorm = 1.0, .clipvalue = 2.0}); }),
            "sgd: expected only one of clipnorm, clipvalue, global_clipnorm, received 2.");
}

TEST(OptimizerTest, AScheduleIsNotSet) {
  SGD optimizer(ExponentialDecay(0.1, 10, 0.5));
  EXPECT_NE(error_of([&] { optimizer.set_lr(0.2); }).find("a schedule"), std::string::npos);
}

TEST(OptimizerTest, UnknownOptionsAreNamed) {
  EXPECT_NE(error_of([] { internal::make_optimizer({"Adam", {{"beta_3", 0.5}}}); }).find("beta_3"), std::string::npos);
}

TEST(OptimizerTest, AdamWKeepsItsDecayBesideOtherOptions) {
  Described adamw = AdamW(1e-3, {.beta_1 = 0.8}).impl().described();
  EXPECT_DOUBLE_EQ(adamw.config.get<double>("weight_decay"), 0.004);
}

// One weight, loss = w · x: the gradient is x.
Model line(const Optimizer& optimizer) {
  Tensor x = Input({1}, {.name = "x"});
  Model model({x}, {Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "line"})(x)}, {.name = "line"});
  model.compile({.optimizer = optimizer, .loss = [](const Tensor&, const Tensor& y) { return y.mean(-1); }});
  return model;
}

TEST(LossScaleTest, SkipsStepsThatAreNotFinite) {
  LossScaleOptimizer optimizer(SGD(0.5), {.initial_scale = 4, .dynamic_growth_steps = 2});
  Model model = line(optimizer);
  auto step = [&](float x) { model.train_on_batch(tensor({{x}}), tensor({{0.0f}})); };
  auto weight = [&] { return model.weights()[0].item(); };
  auto scale = [&] { return optimizer.variables()[3].item(); };
  step(1);
  EXPECT_FLOAT_EQ(weight(), 0.5);
  EXPECT_FLOAT_EQ(scale(), 4);
  step(INFINITY);
  EXPECT_FLOAT_EQ(weight(), 0.5);
  EXPECT_FLOAT_EQ(scale(), 2);
  EXPECT_EQ(optimizer.iterations(), 1);
  step(1);
  step(-2);
  EXPECT_FLOAT_EQ(weight(), 1);
  EXPECT_FLOAT_EQ(scale(), 4);
  EXPECT_EQ(optimizer.iterations(), 3);
}

TEST(OptimizerTest, StepsThatAccumulateOrOverwriteCompileOnce) {
  Adam optimizer(ExponentialDecay(0.1, 2, 0.5),
                 {.use_ema = true, .ema_overwrite_frequency = 2, .gradient_accumulation_steps = 2});
  Model model = line(optimizer);
  auto step = [&] { model.train_on_batch(tensor({{1.0f}}), tensor({{0.0f}})); };
  step();
  int compiled = model.compilations();
  for (int i = 0; i < 7; ++i) step();
  EXPECT_EQ(model.compilations(), compiled);
  EXPECT_EQ(optimizer.iterations(), 4);
}

// A loop by hand that reads nothing: each step runs, on the Program of the first one.
TEST(OptimizerTest, ApplyRunsAndCompilesOnce) {
  Variable w(tensor({1.0f, 2.0f}), "w");
  Nadam optimizer(ExponentialDecay(0.1, 2, 0.5), {.gradient_accumulation_steps = 2});
  auto step = [&] { optimizer.apply(grad(w.square().sum(), Parameters{w}), {w}); };
  step();
  int compiled = internal::num_lazy_programs();
  for (int i = 0; i < 9; ++i) step();
  EXPECT_EQ(internal::num_lazy_programs(), compiled);
  EXPECT_EQ(w.cell()->value()->kind, internal::ValueKind::kComputed);
  EXPECT_LT(w.to_vector()[0], 1.0f);
}

}  // namespace
}  // namespace mica
