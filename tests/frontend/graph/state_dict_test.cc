// Hooks around state_dict() and load_state_dict(); the keys themselves are tested with modules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "frontend/mica/nn.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

nn::Sequential net() { return nn::Sequential({nn::Sequential({nn::Linear(2, 2)}), nn::Linear(2, 1)}); }

TEST(StateDict, KeysMayHaveAPrefix) {
  EXPECT_THAT(nn::Linear(2, 1).state_dict("encoder.").keys(), ElementsAre("encoder.weight", "encoder.bias"));
}

TEST(StateDictHooks, AreCalledLayerByLayerWithThePrefix) {
  nn::Sequential model = net();
  std::vector<std::string> calls;
  std::vector<HookHandle> handles;
  for (const Layer& module : model.modules()) {
    handles.push_back(module.register_state_dict_pre_hook(
        [&](const Layer&, const std::string& prefix) { calls.push_back("pre " + prefix); }));
    handles.push_back(
        module.register_state_dict_post_hook([&](const Layer&, TensorDict& state, const std::string& prefix) {
          calls.push_back(absl::StrCat("post ", prefix, " ", state.size()));
        }));
  }
  model.state_dict();
  EXPECT_THAT(calls,
              ElementsAre("pre ", "pre 0.", "pre 0.0.", "post 0.0. 2", "post 0. 2", "pre 1.", "post 1. 4", "post  4"));
  calls.clear();
  for (HookHandle& handle : handles) handle.remove();
  model.state_dict();
  EXPECT_THAT(calls, IsEmpty());
}

TEST(StateDictHooks, RenameAndRemoveKeys) {
  nn::Linear linear(2, 1);
  linear.register_state_dict_post_hook([](const Layer&, TensorDict& state, const std::string& prefix) {
    state.set(prefix + "kernel", state[prefix + "weight"]);
    state.erase(prefix + "weight");
  });
  EXPECT_THAT(nn::Sequential({linear}).state_dict().keys(), ElementsAre("0.bias", "0.kernel"));
}

TEST(LoadStateDictHooks, APreHookMayRenameKeysOfItsLayers) {
  nn::Sequential model = net();
  model[0].register_load_state_dict_pre_hook([](const Layer&, TensorDict& state, const std::string& prefix) {
    EXPECT_EQ(prefix, "0.");
    EXPECT_FALSE(state.contains("1.weight"));
    state.set(prefix + "0.weight", state[prefix + "former"]);
    state.erase(prefix + "former");
  });
  TensorDict given{
      {"0.former", ones({2, 2})}, {"0.0.bias", ones({2})}, {"1.weight", ones({1, 2})}, {"1.bias", ones({1})}};
  IncompatibleKeys keys = model.load_state_dict(given);
  EXPECT_THAT(keys.unexpected_keys, IsEmpty());
  EXPECT_EQ(model.get_parameter("0.0.weight").to_vector(), std::vector<float>(4, 1));
  EXPECT_TRUE(given.contains("0.former"));
}

TEST(LoadStateDictHooks, APreHookMayAddErrors) {
  nn::Linear linear(2, 1);
  linear.register_load_state_dict_pre_hook(
      [](const Layer&, TensorDict&, const std::string&, bool strict, std::vector<std::string>&,
         std::vector<std::string>&,
         std::vector<std::string>& errors) { errors.push_back(strict ? "strictly wrong" : "wrong"); });
  EXPECT_THAT(error_of([&] { linear.load_state_dict(linear.state_dict()); }),
              HasSubstr("Error(s) in loading state_dict for Linear: strictly wrong"));
}

TEST(LoadStateDictHooks, APostHookSeesTheKeysAndMayForgiveThem) {
  nn::Sequential model = net();
  std::vector<std::string> order, missing;
  model[0].register_load_state_dict_post_hook([&](const Layer& layer, IncompatibleKeys& keys) {
    order.push_back(layer.class_name());
    missing = keys.missing_keys;
    std::erase(keys.missing_keys, "0.0.bias");
  });
  model.register_load_state_dict_post_hook([&](const Layer&, IncompatibleKeys&) { order.push_back("root"); });
  TensorDict given{{"0.0.weight", ones({2, 2})}, {"1.weight", ones({1, 2})}, {"1.bias", ones({1})}};
  model.load_state_dict(given);
  EXPECT_THAT(order, ElementsAre("Sequential", "root"));
  EXPECT_THAT(missing, ElementsAre("0.0.bias"));
  EXPECT_EQ(model.get_parameter("0.0.weight").to_vector(), std::vector<float>(4, 1));
}

TEST(LoadStateDict, AfterAnErrorEveryValueIsAsBefore) {
  nn::Sequential model = net();
  nn::Sequential lazy({nn::LazyLinear(2), nn::Linear(2, 1)});
  const std::vector<float> before = model.get_parameter("0.0.weight").to_vector();
  TensorDict given{{"0.0.weight", ones({2, 2})}, {"1.weight", ones({1, 7})}};
  EXPECT_THAT(error_of([&] { model.load_state_dict(given, false); }), HasSubstr("size mismatch for 1.weight"));
  EXPECT_EQ(model.get_parameter("0.0.weight").to_vector(), before);
  error_of([&] { lazy.load_state_dict({{"0.weight", ones({2, 5})}, {"1.weight", ones({1, 7})}}, false); });
  EXPECT_THAT(error_of([&] { lazy.get_parameter("0.weight").shape(); }), HasSubstr("uninitialized"));
}

}  // namespace
}  // namespace mica
