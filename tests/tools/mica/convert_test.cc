// mica convert: a model into a model, or its weights alone.
#include <gmock/gmock.h>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::UnorderedElementsAre;

class ConvertTest : public ToolTest {};

TEST_F(ConvertTest, ModelsAndWeights) {
  Model model = save_model();
  Tensor x = save_rows(3);
  ASSERT_EQ(mica({"convert", path("model.keras"), path("copy.keras")}).error, "");
  EXPECT_EQ(load_model(path("copy.keras")).predict(x).to_vector(), model.predict(x).to_vector());

  ASSERT_EQ(mica({"convert", path("model.keras"), path("weights.npz")}).error, "");
  TensorDict weights = load_npz(path("weights.npz"));
  EXPECT_THAT(weights.keys(), UnorderedElementsAre("shared/kernel", "shared/bias", "deep/kernel", "deep/bias"));
  EXPECT_EQ(weights["shared/kernel"].to_vector(), model.get_layer("shared").get_weights()[0].to_vector());
  EXPECT_EQ(mica({"convert", path("model.keras"), path("weights.txt")}).status, 1);
}

TEST_F(ConvertTest, WeightsComeBackFromEveryForm) {
  Model model = save_model();
  Tensor x = save_rows(3);
  for (const char* name : {"w.npz", "w.safetensors", "w.weights.h5"}) {
    ASSERT_EQ(mica({"convert", path("model.keras"), path(name)}).error, "");
    Model other = load_model(path("model.keras"));
    for (const Variable& weight : other.weights()) Variable(weight).assign(zeros(weight.shape()));
    other.load_weights(path(name));
    EXPECT_EQ(other.predict(x).to_vector(), model.predict(x).to_vector()) << name;
  }
}

TEST_F(ConvertTest, TheOptimizerIsNumbered) {
  Tensor x = Input({3});
  Model model({x}, {Dense(2, {.name = "d"})(x)});
  model.compile({.optimizer = Adam(0.5), .loss = "mse"});
  model.train_on_batch(randn({4, 3}), randn({4, 2}));
  model.save(path("trained.keras"));
  for (const char* name : {"w.npz", "w.safetensors"}) {
    ASSERT_EQ(mica({"convert", path("trained.keras"), path(name), "--with-optimizer"}).error, "");
    const bool is_npz = std::string(name) == "w.npz";
    TensorDict found = is_npz ? load_npz(path(name)) : load_safetensors(path(name));
    // Two weights; the step, the rate, and two moments of each weight.
    std::vector<std::string> numbers;
    for (const std::string& key : found.keys()) {
      if (key.starts_with("optimizer/")) numbers.push_back(key.substr(0, key.find(':')));
    }
    EXPECT_EQ(found.keys().size(), 8u) << name;
    EXPECT_THAT(numbers, UnorderedElementsAre("optimizer/0", "optimizer/1", "optimizer/2", "optimizer/3", "optimizer/4",
                                              "optimizer/5"));
    for (const auto& [key, value] : found) {
      if (key.starts_with("optimizer/0:")) {
        EXPECT_EQ(value.item<std::int64_t>(), 1);
      }
      if (key.starts_with("optimizer/1:")) {
        EXPECT_EQ(value.item(), 0.5);
      }
    }
  }
}

}  // namespace
}  // namespace mica::tool
