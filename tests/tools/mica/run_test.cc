// mica run and features give what predict and trace give.
#include <gmock/gmock.h>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class RunTest : public ToolTest {};

TEST_F(RunTest, OutputsAndTapsAreKeyed) {
  Model model = save_model();
  Tensor x = save_rows(5);
  std::vector<std::string> run = {"run", path("model.keras"), "--inputs", path("in.npz"), "--output", path("out.npz")};
  ASSERT_EQ(mica(run).error, "");
  TensorDict outputs = load_npz(path("out.npz"));
  EXPECT_THAT(outputs.keys(), ElementsAre("positive"));
  EXPECT_EQ(outputs["positive"].to_vector(), model.predict(x).to_vector());

  run.insert(run.end(), {"--tap", "all", "--quiet"});
  ASSERT_EQ(mica(run).error, "");
  TensorDict taps = load_npz(path("out.npz"));
  EXPECT_THAT(taps.keys(), UnorderedElementsAre("shared", "shared:1", "inner/deep", "inner", "positive"));
  EXPECT_EQ(taps["positive"].to_vector(), outputs["positive"].to_vector());
  EXPECT_EQ(taps["shared:1"].to_vector(), model.trace(x)["shared:1"].to_vector());
}

TEST_F(RunTest, EachInputsHasItsOutput) {
  Model model = save_model();
  std::vector<std::string> run = {"run", path("model.keras")};
  for (std::int64_t rows : {2, 5}) {
    const std::string in = path("in" + std::to_string(rows) + ".npz"),
                      out = path("out" + std::to_string(rows) + ".npz");
    save_rows(rows, "in" + std::to_string(rows) + ".npz");
    run.insert(run.end(), {"--inputs", in, "--output", out});
  }
  ASSERT_EQ(mica(run).error, "");
  EXPECT_EQ(load_npz(path("out2.npz"))["positive"].shape(), (Shape{2, 3}));
  EXPECT_EQ(load_npz(path("out5.npz"))["positive"].shape(), (Shape{5, 3}));
}

TEST_F(RunTest, DevicesThreadsAndBatches) {
  Model model = save_model();
  Tensor x = save_rows(5);
  const std::vector<float> expected = model.predict(x).to_vector();
  for (std::vector<std::string> more : {std::vector<std::string>{"--device", "reference"},
                                        {"--threads", "1"},
                                        {"--batch-size", "2"},
                                        {"--precision", "strict"}}) {
    std::vector<std::string> run = {"run",          path("model.keras"), "--inputs",
                                    path("in.npz"), "--output",          path("out.npz")};
    run.insert(run.end(), more.begin(), more.end());
    ASSERT_EQ(mica(run).error, "");
    EXPECT_THAT(load_npz(path("out.npz"))["positive"].to_vector(),
                ::testing::Pointwise(::testing::FloatNear(1e-5f), expected));
  }
}

TEST_F(RunTest, FeaturesAreTheActivationsAlone) {
  Model model = save_model();
  Tensor x = save_rows(4);
  ASSERT_EQ(mica({"features", path("model.keras"), "--layer", "shared:1,inner/deep", "--inputs", path("in.npz"),
                  "--output", path("features.npz")})
                .error,
            "");
  TensorDict features = load_npz(path("features.npz"));
  EXPECT_THAT(features.keys(), UnorderedElementsAre("shared:1", "inner/deep"));
  EXPECT_EQ(features["inner/deep"].to_vector(), model.trace(x)["inner/deep"].to_vector());
}

}  // namespace
}  // namespace mica::tool
