// Mica text files: opt, dump and run.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GraphFilesTest : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    std::ofstream(path("graph.mica")) << "graph @line(%x: f32[N,2]) {\n"
                                         "  %0 = variable \"w\" : f32[2]\n"
                                         "  %1 = multiply(%x, %0) : f32[N,2]  # scale\n"
                                         "  %2 = relu(%1) : f32[N,2]  # out\n"
                                         "  return %2 as \"y\"\n"
                                         "}\n";
    save_npz(path("graph.mica.npz"), {{"w", tensor({2.0, -1.0})}});
    save_npz(path("in.npz"), {{"x", tensor({1.0, 2.0, 3.0, -4.0}).reshape({2, 2})}});
  }
};

TEST_F(GraphFilesTest, Run) {
  for (const char* device : {"cpu", "reference"}) {
    ASSERT_EQ(mica({"run", path("graph.mica"), "--inputs", path("in.npz"), "--output", path("out.npz"), "--tap",
                    "scale", "--device", device})
                  .error,
              "");
    TensorDict values = load_npz(path("out.npz"));
    EXPECT_THAT(values["y"].to_vector(), ElementsAre(2, 0, 6, 4));
    EXPECT_THAT(values["scale"].to_vector(), ElementsAre(2, -2, 6, 4));
  }
}

TEST_F(GraphFilesTest, OptAndDump) {
  EXPECT_THAT(mica({"opt", path("graph.mica")}).out, HasSubstr("fusion"));
  EXPECT_THAT(mica({"dump", path("graph.mica")}).out, HasSubstr("program @line"));
  EXPECT_THAT(mica({"dump", path("graph.mica"), "--stage", "all"}).out, HasSubstr("// asm\n"));
  EXPECT_EQ(mica({"dump", path("graph.mica"), "--stage", "calls"}).status, 1);
  EXPECT_EQ(mica({"dump", path("graph.mica"), "--mode", "train"}).status, 1);
}

}  // namespace
}  // namespace mica::tool
