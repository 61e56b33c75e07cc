// Optimizers against real PyTorch in float64: tests/fixtures/optim.
#include "frontend/training/optim/parameter_optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/graph/evaluate.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/functional.h"
#include "frontend/mica/nn/utils.h"
#include "frontend/mica/optim.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using Json = nlohmann::json;

const Json& fixtures() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/optim/cases.json"));
  return all;
}

Tensor tensor_of(const Json& values, const Shape& shape) { return tensor(values.get<std::vector<float>>(), shape); }

void expect_values(const Tensor& got, const Json& want, const std::string& what, double tolerance = 2e-6) {
  std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size()) << what;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = want[i];
    EXPECT_NEAR(values[i], value, tolerance * (1 + std::abs(value))) << what << " element " << i;
  }
}

Shape shape_of(const Json& c, std::size_t parameter) { return c["shapes"][parameter].get<std::vector<std::int64_t>>(); }

// Muon's directions are bfloat16: where a sum in another order is rounded to the neighbour, they differ by 1 / 256, and
// a step of the rate by as much.
double tolerance_of(const Json& c) {
  constexpr double kRate = 0.05;
  return c["name"] == "Muon" ? kRate / 256 : 2e-6;
}

template <class T>
void set(const Json& options, const char* name, T& field) {
  if (options.contains(name)) field = options[name].get<T>();
}

Optimizer make(const Json& c, const Parameters& params) {
  const std::string name = c["name"];
  const Json& j = c["options"];
  auto common = [&](auto o) {
    set(j, "lr", o.lr);
    if constexpr (requires { o.maximize; }) set(j, "maximize", o.maximize);
    if constexpr (requires { o.weight_decay; }) set(j, "weight_decay", o.weight_decay);
    if constexpr (requires(double eps) { o.eps = eps; }) set(j, "eps", o.eps);
    if constexpr (requires { o.betas; }) set(j, "betas", o.betas);
    if constexpr (requires { o.momentum; }) set(j, "momentum", o.momentum);
    if constexpr (requires { o.amsgrad; }) set(j, "amsgrad", o.amsgrad);
    if constexpr (requires { o.decoupled_weight_decay; }) set(j, "decoupled_weight_decay", o.decoupled_weight_decay);
    return o;
  };
  if (name == "SGD") {
    auto o = common(optim::SGDOptions{});
    set(j, "nesterov", o.nesterov);
    set(j, "dampening", o.dampening);
    return optim::SGD(params, o);
  }
  if (name == "Adam") return optim::Adam(params, common(optim::AdamOptions{}));
  if (name == "AdamW") return optim::AdamW(params, common(optim::AdamWOptions{}));
  if (name == "RMSprop") {
    auto o = common(optim::RMSpropOptions{});
    set(j, "alpha", o.alpha);
    set(j, "centered", o.centered);
    return optim::RMSprop(params, o);
  }
  if (name == "Adagrad") {
    auto o = common(optim::AdagradOptions{});
    set(j, "lr_decay", o.lr_decay);
    set(j, "initial_accumulator_value", o.initial_accumulator_value);
    return optim::Adagrad(params, o);
  }
  if (name == "Adadelta") {
    auto o = common(optim::AdadeltaOptions{});
    set(j, "rho", o.rho);
    return optim::Adadelta(params, o);
  }
  if (name == "Adamax") return optim::Adamax(params, common(optim::AdamaxOptions{}));
  if (name == "NAdam") {
    auto o = common(optim::NAdamOptions{});
    set(j, "momentum_decay", o.momentum_decay);
    return optim::NAdam(params, o);
  }
  if (name == "RAdam") return optim::RAdam(params, common(optim::AdamOptions{}));
  if (name == "ASGD") {
    auto o = common(optim::ASGDOptions{});
    set(j, "lambd", o.lambd);
    set(j, "alpha", o.alpha);
    set(j, "t0", o.t0);
    return optim::ASGD(params, o);
  }
  if (name == "Adafactor") {
    auto o = common(optim::AdafactorOptions{});
    set(j, "beta2_decay", o.beta2_decay);
    set(j, "d", o.d);
    if (j.contains("eps")) o.eps = {j["eps"][0].get<double>(), j["eps"][1].get<double>()};
    return optim::Adafactor(params, o);
  }
  if (name == "Muon") {
    auto o = common(optim::MuonOptions{});
    set(j, "nesterov", o.nesterov);
    set(j, "ns_coefficients", o.ns_coefficients);
    set(j, "ns_steps", o.ns_steps);
    set(j, "adjust_lr_fn", o.adjust_lr_fn);
    return optim::Muon(params, o);
  }
  auto o = common(optim::RpropOptions{});
  set(j, "etas", o.etas);
  set(j, "step_sizes", o.step_sizes);
  return optim::Rprop(params, o);
}

Parameters parameters_of(const Json& c) {
  Parameters params;
  for (std::size_t i = 0; i < 2; ++i) params.emplace_back(tensor_of(c["before"][i], shape_of(c, i)));
  return params;
}

void step_with(const Optimizer& optimizer, const Parameters& params, const Json& grads) {
  optimizer.zero_grad();
  Tensor loss = (params[0] * tensor_of(grads[0], params[0].shape())).sum() +
                (params[1] * tensor_of(grads[1], params[1].shape())).sum();
  loss.backward();
  optimizer.step();
}

class OptimCase : public testing::TestWithParam<std::size_t> {};

TEST_P(OptimCase, EqualsPyTorch) {
  const Json& c = fixtures()["optimizers"][GetParam()];
  SCOPED_TRACE(c["name"].get<std::string>() + c["options"].dump());
  Parameters params = parameters_of(c);
  Optimizer optimizer = make(c, params);
  for (const Json& grads : c["grads"]) step_with(optimizer, params, grads);
  for (std::size_t i = 0; i < params.size(); ++i) expect_values(params[i], c["after"][i], "parameter", tolerance_of(c));
  TensorDict state = optimizer.state_dict();
  for (const auto& [key, want] : c["state"].items()) expect_values(state[key], want, key);
}

// A second optimizer that takes over the state goes on as the first one would.
TEST_P(OptimCase, StateDictCarriesOn) {
  const Json& c = fixtures()["optimizers"][GetParam()];
  Parameters params = parameters_of(c);
  Optimizer first = make(c, params);
  for (std::size_t i = 0; i < 3; ++i) step_with(first, params, c["grads"][i]);
  Optimizer second = make(c, params);
  second.load_state_dict(first.state_dict());
  for (std::size_t i = 3; i < c["grads"].size(); ++i) step_with(second, params, c["grads"][i]);
  for (std::size_t i = 0; i < params.size(); ++i) expect_values(params[i], c["after"][i], "parameter", tolerance_of(c));
}

// A parameter of rank 0 has tensors of rank 0, which are not the numbers that some rules keep.
TEST(OptimState, OfAScalarParameterCarriesOn) {
  auto trained = [](bool with_break) {
    Parameters params{Variable(tensor(NestedList(1.0)))};
    auto step = [&](const Optimizer& optimizer) {
      optimizer.zero_grad();
      params[0].square().backward();
      optimizer.step();
    };
    optim::NAdam first(params, {.lr = 0.1});
    step(first);
    step(first);
    optim::NAdam second(params, {.lr = 0.1});
    if (with_break) second.load_state_dict(first.state_dict());
    step(with_break ? Optimizer(second) : Optimizer(first));
    return params[0].item();
  };
  EXPECT_EQ(trained(true), trained(false));
}

std::string case_name(const testing::TestParamInfo<std::size_t>& info) {
  return fixtures()["optimizers"][info.param]["name"].get<std::string>() + std::to_string(info.param);
}
INSTANTIATE_TEST_SUITE_P(PyTorch, OptimCase, testing::Range<std::size_t>(0, fixtures()["optimizers"].size()),
                         case_name);

// SparseAdam of torch, where a gradient lists the rows that were looked up.
TEST(OptimTest, SparseAdamMovesTheRowsThatWereTouched) {
  const Json& c = fixtures()["sparse_adam"];
  Variable table(tensor_of(c["before"], {5, 3}));
  optim::SparseAdam optimizer({table}, {.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-4});
  for (std::size_t i = 0; i < c["ids"].size(); ++i) {
    optimizer.zero_grad();
    const auto ids = c["ids"][i].get<std::vector<std::int64_t>>();
    const std::int64_t rows = std::ssize(ids);
    (F::embedding(tensor(ids, {rows}), table) * tensor_of(c["cots"][i], {rows, 3})).sum().backward();
    optimizer.step();
  }
  expect_values(table, c["after"], "table");
  TensorDict state = optimizer.state_dict();
  for (const auto& [key, want] : c["state"].items()) expect_values(state["state.0." + key], want, key);
}

TEST(LbfgsTest, RosenbrockIsPyTorchs) {
  for (const Json& c : fixtures()["lbfgs"]) {
    Variable x(tensor({-1.5f, 2.0f}));
    optim::LBFGSOptions o;
    set(c["options"], "lr", o.lr);
    set(c["options"], "max_iter", o.max_iter);
    set(c["options"], "line_search_fn", o.line_search_fn);
    set(c["options"], "history_size", o.history_size);
    optim::LBFGS optimizer({x}, o);
    auto closure = [&] {
      optimizer.zero_grad();
      Tensor a = x[0], b = x[1];
      Tensor loss = (1 - a).square() + 5 * (b - a.square()).square();
      loss.backward();
      return loss;
    };
    for (const Json& want : c["losses"]) {
      double value = want;
      EXPECT_NEAR(optimizer.step(closure).item(), value, 1e-4 * (1 + std::abs(value))) << c["options"].dump();
    }
    std::vector<double> got = x.to_vector<double>();
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(got[i], c["after"][i].get<double>(), 1e-3);
  }
}

TEST(ClipTest, NormAndValue) {
  Variable a(tensor({3.0f, 0.0f})), b(tensor({4.0f}));
  (a.square() / 2).sum().backward();
  (b.square() / 2).sum().backward();
  EXPECT_FLOAT_EQ(clip_grad_norm_({a, b}, 1.0), 5);
  EXPECT_NEAR(a.grad().to_vector()[0], 0.6, 1e-6);
  EXPECT_NEAR(b.grad().item(), 0.8, 1e-6);
  EXPECT_NEAR(clip_grad_norm_({a, b}, 10.0, INFINITY), 0.8, 1e-6);
  clip_grad_value_({a, b}, 0.7);
  EXPECT_NEAR(b.grad().item(), 0.7, 1e-6);
}

TEST(ClipTest, TheTotalNormIsPendingAndScalesGradients) {
  Variable a(tensor({3.0f, 0.0f})), b(tensor({4.0f})), unused(tensor({1.0f}));
  (a.square() / 2).sum().backward();
  (b.square() / 2).sum().backward();
  Tensor norm = nn::utils::get_total_norm({a.grad(), b.grad()});
  nn::utils::clip_grads_with_norm_({a, b, unused}, 2.5, norm);
  EXPECT_FLOAT_EQ(static_cast<float>(norm.item()), 5);
  EXPECT_NEAR(b.grad().item(), 2, 1e-6);
  EXPECT_FALSE(unused.grad().defined());
  EXPECT_NE(error_of([] { nn::utils::get_total_norm({full({1}, INFINITY)}, 2, true); }).find("finite"),
            std::string::npos);
}

TEST(OptimTest, GroupsHaveRatesOfTheirOwn) {
  Variable a(tensor({1.0f})), b(tensor({1.0f})), c(tensor({1.0f}));
  optim::SGD optimizer({{.params = {a}}, {.params = {b}, .lr = 0.5}}, {.lr = 0.1});
  optimizer.add_param_group({.params = {c}, .weight_decay = 1.0});
  (a + b + c).sum().backward();
  optimizer.step();
  EXPECT_FLOAT_EQ(static_cast<float>(a.item()), 0.9f);
  EXPECT_FLOAT_EQ(static_cast<float>(b.item()), 0.5f);
  EXPECT_FLOAT_EQ(static_cast<float>(c.item()), 0.8f);
  EXPECT_NE(error_of([&] { optimizer.add_param_group({.params = {a}}); }).find("once"), std::string::npos);
}

TEST(OptimTest, AnotherRateCompilesNothing) {
  Variable w(tensor({{1.0, 2.0}, {3.0, -1.0}, {0.5, 0.25}}));
  for (const Optimizer& optimizer :
       std::initializer_list<Optimizer>{optim::Adam({w}), optim::Adafactor({w}), optim::Muon({w})}) {
    auto step = [&] {
      optimizer.zero_grad();
      w.square().sum().backward();
      optimizer.step();
    };
    step();
    int compiled = internal::num_lazy_programs();
    for (int i = 0; i < 5; ++i) {
      optimizer.set_lr(0.1 / (i + 2));
      step();
    }
    EXPECT_EQ(internal::num_lazy_programs(), compiled);
  }
}

TEST(OptimTest, MuonAndAdafactorRefuseWhatTheyCannotDo) {
  EXPECT_NE(error_of([] { optim::Muon({Variable(ones({3}))}); }).find("matrices"), std::string::npos);
  EXPECT_NE(error_of([] { optim::Muon({Variable(ones({3, 2}))}, {.adjust_lr_fn = "rms"}); }).find("spectral_unclamped"),
            std::string::npos);
  EXPECT_NE(error_of([] { optim::Adafactor({Variable(ones({3}))}, {.d = 0.5}); }).find("d of at least 1"),
            std::string::npos);
}

TEST(OptimTest, NewOptimizersFollowTheRatesOfGroupsAndSchedules) {
  Variable a(ones({2, 2})), b(ones({2, 2}));
  optim::Muon optimizer({{.params = {a}}, {.params = {b}, .lr = 0.0, .weight_decay = 0.0}}, {.lr = 0.5});
  optim::lr_scheduler::StepLR scheduler(optimizer, 1, 0.1);
  (a + b).sum().backward();
  optimizer.step();
  scheduler.step();
  EXPECT_LT(a.amax().item(), 1);
  EXPECT_EQ(b.to_vector(), std::vector<float>(4, 1));
  EXPECT_DOUBLE_EQ(optimizer.lr(), 0.05);
}

TEST(OptimTest, TheSidesDoNotMix) {
  EXPECT_NE(error_of([] { Optimizer("adam").step(); }).find("optim::"), std::string::npos);
  optim::SGD optimizer({Variable(ones({2}))});
  EXPECT_NE(error_of([&] { optimizer.variables(); }).find("mica::Adam"), std::string::npos);
}

}  // namespace
}  // namespace mica
