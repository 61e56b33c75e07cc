// mica fit and evaluate: what they read and write, and trainings that are killed and go on.
#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <sstream>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TrainTest : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    set_random_seed(1);
    Tensor x = Input({4}, {.name = "x"});
    Tensor h = Dropout(0.25)(Dense(8, {.activation = "tanh", .name = "hidden"})(x));
    Model model(x, Dense(1, {.name = "y"})(h), {.name = "small"});
    model.compile({.optimizer = Adam(0.01), .loss = "mse", .metrics = {"mae"}});
    model.save(path("model.keras"));
    Tensor data = sin(arange(0, 96) * 0.3).reshape({24, 4});
    save_npz(path("train.npz"), {{"x", data}, {"y", data.sum(1, {.keepdim = true})}});
  }

  std::vector<std::string> fit(const std::string& output, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "fit", path("model.keras"), "--data", path("train.npz"), "--output", path(output), "--seed", "3", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }
  // Weights and the optimizer's slots.
  std::vector<std::vector<float>> variables(const std::string& name) const {
    const Model model = load_model(path(name));
    std::vector<std::vector<float>> values;
    for (const Variable& variable : model.weights()) values.push_back(variable.to_vector());
    for (const Variable& variable : model.optimizer().variables()) values.push_back(variable.to_vector());
    return values;
  }
};

TEST_F(TrainTest, FitTrainsAsTheLibraryDoes) {
  ASSERT_EQ(mica(fit("a.keras", {"--epochs", "3", "--batch-size", "5", "--history", path("h.json")})).error, "");
  EXPECT_THAT(text("h.json"), StartsWith("{\"loss\":["));

  TensorDict data = load_npz(path("train.npz"));
  set_random_seed(3);
  const Model model = load_model(path("model.keras"));
  History history = model.fit(data["x"], data["y"], {.batch_size = 5, .epochs = 3, .verbose = 0});
  EXPECT_EQ(text("h.json"), history.to_config().to_json() + "\n");
  EXPECT_EQ(variables("a.keras")[0], model.get_weights()[0].to_vector());
}

TEST_F(TrainTest, OptionsOfAFileGoBelowThoseOfTheLine) {
  std::ofstream(path("o.json"))
      << R"({"fit": {"epochs": 7, "batch_size": 8, "shuffle": false, "validation_split": 0.25},
    "callbacks": [{"class": "LearningRateScheduler", "config": {"table": [0.5, 0.25]}}], "description": "ignored"})";
  ASSERT_EQ(mica(fit("a.keras", {"--options", path("o.json"), "--epochs", "2", "--history", path("h.json")})).error,
            "");
  EXPECT_THAT(text("h.json"), HasSubstr("\"learning_rate\":[0.5,0.25]"));
  EXPECT_THAT(text("h.json"), HasSubstr("\"val_mae\":["));
}

TEST_F(TrainTest, MistakesLeaveNothing) {
  std::ofstream(path("o.json")) << R"({"fit": {"epochz": 7}})";
  test_support::ProcessResult result = mica(fit("a.keras", {"--options", path("o.json")}));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error, HasSubstr("epochz"));
  std::ofstream(path("o.json")) << R"({"callbacks": [{"class": "Stop", "config": {}}]})";
  EXPECT_THAT(mica(fit("a.keras", {"--options", path("o.json")})).error, HasSubstr("EarlyStopping"));
  EXPECT_EQ(mica(fit("a.keras", {"--resume"})).status, 2);
  EXPECT_FALSE(exists("a.keras"));
}

TEST_F(TrainTest, EvaluatePrintsTheLogs) {
  const TensorDict data = load_npz(path("train.npz"));
  const Logs logs = load_model(path("model.keras")).evaluate(data["x"], data["y"], {.batch_size = 5, .verbose = 0});
  test_support::ProcessResult result =
      mica({"evaluate", path("model.keras"), "--data", path("train.npz"), "--batch-size", "5", "--json"});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.out, Config({{"loss", logs["loss"]}, {"mae", logs["mae"]}}).to_json() + "\n");
}

// The checkpoint is loadable after every kill, and the weights at the end are those of a training in one piece.
TEST_F(TrainTest, KilledTrainingGoesOnBitForBit) {
  const std::vector<std::string> training = {"--epochs", "12", "--batch-size", "5"};
  ASSERT_EQ(mica(fit("whole.keras", training)).error, "");

  std::vector<std::string> pieces = training;
  pieces.insert(pieces.end(), {"--checkpoint", path("c.keras"), "--every", "1", "--resume"});
  std::vector<std::string> arguments = fit("pieces.keras", pieces);
  arguments.insert(arguments.begin(), MICA_PROGRAM);
  const double all_of_it = mica(fit("timed.keras", training)).seconds;
  constexpr int kKills = 50;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> moment(0, all_of_it);
  int killed = 0;
  for (int i = 0; i < kKills; ++i) {
    killed += test_support::run_process(arguments, {}, moment(random)).status != 0;
    if (!exists("c.keras")) continue;
    EXPECT_NO_THROW(load_model(path("c.keras"))) << "after kill " << i;
  }
  EXPECT_GT(killed, 0);
  EXPECT_EQ(test_support::run_process(arguments).error, "");
  EXPECT_EQ(variables("pieces.keras"), variables("whole.keras"));
}

}  // namespace
}  // namespace mica::tool
