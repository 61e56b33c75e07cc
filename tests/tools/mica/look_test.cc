// mica summary, dump and plot give what the methods give.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class LookTest : public ToolTest {
 protected:
  std::string content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
};

TEST_F(LookTest, Summaries) {
  Model model = save_model();
  EXPECT_EQ(mica({"summary", path("model.keras")}).out, model.summary());
  EXPECT_EQ(mica({"summary", path("model.keras"), "--expand-nested", "--show-trainable"}).out,
            model.summary({.expand_nested = true, .show_trainable = true}));
}

TEST_F(LookTest, Dumps) {
  Model model = save_model();
  EXPECT_EQ(mica({"dump", path("model.keras"), "--stage", "calls"}).out, model.dump(Stage::kCalls));
  EXPECT_EQ(mica({"dump", path("model.keras"), "--stage", "fused", "--batch", "3"}).out,
            model.dump(Stage::kFused, {.batch = 3}));
  ASSERT_EQ(
      mica({"dump", path("model.keras"), "--stage", "graph", "--format", "json", "--output", path("graph.json")}).error,
      "");
  EXPECT_EQ(content("graph.json"), model.dump(Stage::kGraph, {.format = "json"}));
  EXPECT_EQ(mica({"dump", path("model.keras"), "--stage", "asm", "--format", "dot"}).status, 1);
}

TEST_F(LookTest, DumpsOfTheTrainingStep) {
  Model model = save_model();
  EXPECT_THAT(mica({"dump", path("model.keras"), "--stage", "graph", "--mode", "train"}).out,
              StartsWith("# small is not compiled"));
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  model.save(path("compiled.keras"));
  const std::string all = mica({"dump", path("compiled.keras"), "--stage", "all", "--mode", "train"}).out;
  for (const char* part : {"// calls", "// program", "gradient(", "as \"loss\"", "backward"})
    EXPECT_THAT(all, HasSubstr(part));
  EXPECT_EQ(mica({"dump", path("compiled.keras"), "--stage", "program", "--mode", "train"}).out,
            model.dump(Stage::kProgram, {.mode = "train"}));
}

TEST_F(LookTest, Plots) {
  save_model();
  ASSERT_EQ(mica({"plot", path("model.keras"), "--output", path("model.svg"), "--expand-nested"}).error, "");
  EXPECT_THAT(content("model.svg"), HasSubstr("deep"));
  EXPECT_EQ(mica({"plot", path("model.keras"), "--output", path("model.bmp")}).status, 1);
}

}  // namespace
}  // namespace mica::tool
