#include "graph_testing.h"

namespace mica::ir {
namespace {

int num_sums(const std::string& type, const std::string& attrs, const std::string& result) {
  const auto graph = parsed("graph @g(%x: " + type + ") {\n  %0 = reduce_sum(%x) {" + attrs + "} : " + result +
                            "\n  return %0 as \"sum\"\n}");
  const auto want = reference_values(*graph);
  run_named(*graph, {"split-sums"});
  expect_equal_values(reference_values(*graph), want);
  return static_cast<int>(
      std::ranges::count_if(graph->nodes(), [](const auto& node) { return node->is("reduce_sum"); }));
}

TEST(SplitSums, AFewSumsOverManyImagesTakeTwoSteps) {
  EXPECT_EQ(num_sums("f32[N,26,26,32]", "axes=[0,1,2]", "f32[32]"), 2);
  EXPECT_EQ(num_sums("f32[N,26,26,32]", "axes=[-4,-3,-2], keepdims=true", "f32[1,1,1,32]"), 2);
  EXPECT_EQ(num_sums("f32[N,64,64]", "axes=[]", "f32[]"), 2);
}
TEST(SplitSums, SmallEntriesStay) { EXPECT_EQ(num_sums("f32[N,8,8,32]", "axes=[0,1,2]", "f32[32]"), 1); }
TEST(SplitSums, ManySumsStay) { EXPECT_EQ(num_sums("f32[N,4,2048]", "axes=[0,1]", "f32[2048]"), 1); }
TEST(SplitSums, OneFoldedAxisStays) { EXPECT_EQ(num_sums("f32[N,8192]", "axes=[1]", "f32[N]"), 1); }
TEST(SplitSums, ASingleImageStays) { EXPECT_EQ(num_sums("f32[1,64,64,32]", "axes=[0,1,2]", "f32[32]"), 1); }

}  // namespace
}  // namespace mica::ir
