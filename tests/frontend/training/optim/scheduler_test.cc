// Schedulers against real PyTorch in float64: rates, momenta and states. tests/fixtures/optim.
#include "frontend/training/optim/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/mica/swa_utils.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const Json& fixtures() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/optim/cases.json"));
  return all;
}

optim::lr_scheduler::LRScheduler make_scheduler(std::size_t i, const Optimizer& optimizer) {
  using namespace optim::lr_scheduler;
  using Maker = std::function<LRScheduler(const Optimizer&)>;
  static const Maker kMakers[] = {
      [](const Optimizer& o) { return StepLR(o, 3, 0.5); },
      [](const Optimizer& o) { return MultiStepLR(o, {2, 5, 5}, 0.3); },
      [](const Optimizer& o) { return ConstantLR(o, 0.5, 4); },
      [](const Optimizer& o) { return LinearLR(o, {.start_factor = 0.1, .end_factor = 0.8}); },
      [](const Optimizer& o) { return ExponentialLR(o, 0.7); },
      [](const Optimizer& o) { return PolynomialLR(o, 6, 2); },
      [](const Optimizer& o) { return CosineAnnealingLR(o, 4, 0.01); },
      [](const Optimizer& o) { return CosineAnnealingWarmRestarts(o, 3, {.t_mult = 2, .eta_min = 0.01}); },
      [](const Optimizer& o) { return OneCycleLR(o, 0.4, {.total_steps = 15}); },
      [](const Optimizer& o) {
        return OneCycleLR(o, 0.4,
                          {.total_steps = 15, .pct_start = 0.4, .anneal_strategy = "linear", .three_phase = true});
      },
      [](const Optimizer& o) { return CyclicLR(o, 0.1, 0.5, {.step_size_up = 3}); },
      [](const Optimizer& o) {
        return CyclicLR(o, 0.1, 0.5, {.step_size_up = 2, .step_size_down = 4, .mode = "triangular2"});
      },
      [](const Optimizer& o) { return CyclicLR(o, 0.1, 0.5, {.step_size_up = 3, .mode = "exp_range", .gamma = 0.9}); },
      [](const Optimizer& o) {
        LinearLR warm(o, {.start_factor = 0.1, .total_iters = 4});
        ExponentialLR decay(o, 0.8);
        CosineAnnealingLR cosine(o, 5);
        return SequentialLR(o, {warm, decay, cosine}, {4, 8});
      },
      [](const Optimizer& o) {
        ConstantLR constant(o, 0.1, 4);
        ExponentialLR decay(o, 0.9);
        return ChainedScheduler({constant, decay});
      },
      [](const Optimizer& o) {
        return optim::swa_utils::SWALR(o, 0.05, {.anneal_epochs = 4, .anneal_strategy = "linear"});
      },
      [](const Optimizer& o) { return optim::swa_utils::SWALR(o, 0.5, {.anneal_epochs = 6}); },
      [](const Optimizer& o) { return optim::swa_utils::SWALR(o, 0.05, {.anneal_epochs = 0}); }};
  return kMakers[i](optimizer);
}

TEST(SchedulerTest, RatesAndMomentaArePyTorchs) {
  const Json& all = fixtures()["schedulers"];
  for (std::size_t i = 0; i < all.size(); ++i) {
    optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.2, .momentum = 0.9});
    optim::lr_scheduler::LRScheduler scheduler = make_scheduler(i, optimizer);
    for (std::size_t epoch = 0; epoch < all[i]["rates"].size(); ++epoch) {
      SCOPED_TRACE(all[i]["name"].get<std::string>() + " epoch " + std::to_string(epoch));
      EXPECT_NEAR(optimizer.lr(), all[i]["rates"][epoch][0].get<double>(), 1e-12);
      EXPECT_NEAR(optimizer.parameter_optimizer().groups()[0].momentum, all[i]["rates"][epoch][1].get<double>(), 1e-12);
      scheduler.step();
    }
  }
}

TEST(SchedulerTest, LambdaMultipliesTheInitialRate) {
  optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.2});
  optim::lr_scheduler::LambdaLR scheduler(optimizer, [](std::int64_t epoch) { return 1.0 / double(epoch + 1); });
  scheduler.step();
  EXPECT_DOUBLE_EQ(scheduler.get_last_lr(), 0.1);
}

TEST(SchedulerTest, PlateauIsPyTorchs) {
  optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.2});
  optim::lr_scheduler::ReduceLROnPlateau scheduler(optimizer,
                                                   {.factor = 0.5, .patience = 1, .min_lr = 0.03, .cooldown = 1});
  const Json& c = fixtures()["plateau"];
  for (std::size_t i = 0; i < c["metrics"].size(); ++i) {
    scheduler.step(c["metrics"][i].get<double>());
    EXPECT_NEAR(scheduler.get_last_lr(), c["rates"][i].get<double>(), 1e-12) << i;
  }
}

// The rate and the momentum of each group.
std::vector<double> moved_by(const Optimizer& optimizer) {
  std::vector<double> values;
  for (const internal::ParameterGroup& group : optimizer.parameter_optimizer().groups()) {
    values.push_back(group.lr);
    values.push_back(group.momentum);
  }
  return values;
}

optim::SGD optimizer_of_two_groups() {
  return optim::SGD({{.params = {Variable(ones({2}))}}, {.params = {Variable(ones({3}))}, .lr = 0.05}},
                    {.lr = 0.2, .momentum = 0.9});
}

void expect_numbers(const TensorDict& state, const std::string& key, const Json& want) {
  ASSERT_TRUE(state.contains(key)) << key;
  const std::vector<double> values = state[key].to_vector<double>();
  ASSERT_EQ(values.size(), want.size()) << key;
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], want[i].get<double>(), 1e-12) << key;
}

// What PyTorch keeps and Mica does not need, or (the last rates of parts) takes from the optimizer.
bool is_saved_by_pytorch_only(const std::string& key) {
  return key.ends_with("_step_count") || key == "default_min_lr" ||
         (key.starts_with("_schedulers.") && key.ends_with("_last_lr"));
}

TEST(SchedulerState, HoldsPyTorchsNumbers) {
  const Json& all = fixtures()["schedulers"];
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(all[i]["name"].get<std::string>());
    optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.2, .momentum = 0.9});
    optim::lr_scheduler::LRScheduler scheduler = make_scheduler(i, optimizer);
    for (int step = 0; step < 5; ++step) scheduler.step();
    const TensorDict state = scheduler.state_dict();
    for (const auto& [key, want] : all[i]["state"].items()) {
      if (!is_saved_by_pytorch_only(key)) expect_numbers(state, key, want);
    }
  }
}

// A schedule that is saved after any step and taken over by a new scheduler goes on to the same bits.
TEST(SchedulerState, ASavedScheduleGoesOn) {
  for (std::size_t i = 0; i < fixtures()["schedulers"].size(); ++i) {
    for (int saved_after : {0, 3, 4, 9}) {
      SCOPED_TRACE(fixtures()["schedulers"][i]["name"].get<std::string>() + " after " + std::to_string(saved_after));
      optim::SGD first = optimizer_of_two_groups(), second = optimizer_of_two_groups();
      optim::lr_scheduler::LRScheduler whole = make_scheduler(i, first);
      for (int step = 0; step < saved_after; ++step) whole.step();
      optim::lr_scheduler::LRScheduler resumed = make_scheduler(i, second);
      second.load_state_dict(first.state_dict());
      resumed.load_state_dict(whole.state_dict());
      for (int step = saved_after; step < 13; ++step) {
        EXPECT_EQ(moved_by(second), moved_by(first));
        whole.step();
        resumed.step();
      }
    }
  }
}

// As in PyTorch, options are a part of the state.
TEST(SchedulerState, BringsTheOptionsThatItWasSavedWith) {
  auto run = [](bool loaded) {
    optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.8});
    optim::lr_scheduler::StepLR two(optimizer, 2, 0.5);
    if (loaded)
      two.load_state_dict(optim::lr_scheduler::StepLR(optim::SGD({Variable(ones({2}))}), 1, 0.25).state_dict());
    two.step();
    two.step();
    return optimizer.lr();
  };
  EXPECT_DOUBLE_EQ(run(false), 0.4);
  EXPECT_DOUBLE_EQ(run(true), 0.05);
}

TEST(SchedulerState, OfAPlateauGoesOn) {
  const Json& c = fixtures()["plateau"];
  const optim::lr_scheduler::PlateauOptions options{.factor = 0.5, .patience = 1, .min_lr = 0.03, .cooldown = 1};
  optim::SGD first({Variable(ones({2}))}, {.lr = 0.2}), second({Variable(ones({2}))}, {.lr = 0.2});
  optim::lr_scheduler::ReduceLROnPlateau whole(first, options), resumed(second, {});
  for (std::size_t i = 0; i < c["metrics"].size(); ++i) {
    if (i == 6) {
      second.load_state_dict(first.state_dict());
      resumed.load_state_dict(whole.state_dict());
    }
    whole.step(c["metrics"][i].get<double>());
    if (i < 6) continue;
    resumed.step(c["metrics"][i].get<double>());
    EXPECT_EQ(second.lr(), first.lr()) << i;
  }
  for (const auto& [key, want] : c["state"].items()) {
    if (!is_saved_by_pytorch_only(key)) expect_numbers(whole.state_dict(), key, want);
  }
}

TEST(SchedulerState, Mistakes) {
  optim::SGD one({Variable(ones({2}))}), two = optimizer_of_two_groups();
  optim::lr_scheduler::StepLR step(one, 2);
  optim::lr_scheduler::ExponentialLR decay(one, 0.5);
  EXPECT_THAT(error_of([&] { step.load_state_dict(decay.state_dict()); }), HasSubstr("step_size"));
  EXPECT_THAT(error_of([&] { step.load_state_dict(optim::lr_scheduler::StepLR(two, 2).state_dict()); }),
              HasSubstr("base_lrs"));
}

TEST(SchedulerTest, WarmRestartsStepWithinEpochs) {
  const Json& c = fixtures()["warm_restarts"];
  optim::SGD optimizer({Variable(ones({2}))}, {.lr = 0.2});
  optim::lr_scheduler::CosineAnnealingWarmRestarts scheduler(optimizer, 3, {.t_mult = 2, .eta_min = 0.01});
  for (std::size_t i = 0; i < c["rates"].size(); ++i) {
    i < c["epochs"].size() ? scheduler.step(c["epochs"][i].get<double>()) : scheduler.step();
    EXPECT_NEAR(optimizer.lr(), c["rates"][i].get<double>(), 1e-12) << i;
  }
}

}  // namespace
}  // namespace mica
