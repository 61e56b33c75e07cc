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

TEST(SplitSums, ALongSumOfAllIsCutIntoPieces) {
  EXPECT_EQ(num_sums("f32[512,300]", "axes=[]", "f32[]"), 2);
  EXPECT_EQ(num_sums("f32[512,300]", "axes=[0,1], keepdims=true", "f32[1,1]"), 2);
  EXPECT_EQ(num_sums("f32[131072]", "axes=[0]", "f32[]"), 2);
  EXPECT_EQ(num_sums("f32[3,3,64,256]", "axes=[]", "f32[]"), 2);
  EXPECT_EQ(num_sums("f32[131072,2]", "axes=[0]", "f32[2]"), 2);
}
TEST(SplitSums, ShortSumsOfAllStay) { EXPECT_EQ(num_sums("f32[128,256]", "axes=[]", "f32[]"), 1); }
TEST(SplitSums, WhatDoesNotDivideStays) { EXPECT_EQ(num_sums("f32[100003]", "axes=[]", "f32[]"), 1); }
TEST(SplitSums, MoreThanAVectorOfSumsStays) { EXPECT_EQ(num_sums("f32[65536,16]", "axes=[0]", "f32[16]"), 1); }

std::string split(const std::string& text) {
  const auto graph = parsed(text);
  const auto want = reference_values(*graph);
  run_named(*graph, {"split-sums"});
  expect_equal_values(reference_values(*graph), want);
  return print(*graph);
}

TEST(SplitSums, WhatIsSummedIsComputedOnPieces) {
  EXPECT_EQ(split(R"(graph @norm(%x: f32[512,256], %scale: f32[], %mean: f32[256], %row: f32[1,256]) {
  %0 = subtract(%x, %mean) : f32[512,256]
  %1 = multiply(%0, %scale) : f32[512,256]
  %2 = add(%1, %row) : f32[512,256]
  %3 = multiply(%2, %0) : f32[512,256]
  %4 = reduce_sum(%3) : f32[]
  return %4 as "y"
})"),
            R"(graph @norm(%x: f32[512,256], %scale: f32[], %mean: f32[256], %row: f32[1,256]) {
  %0 = reshape(%x) {shape=[8,64,256]} : f32[8,64,256]
  %1 = subtract(%0, %mean) : f32[8,64,256]
  %2 = multiply(%1, %scale) : f32[8,64,256]
  %3 = reshape(%row) {shape=[1,1,256]} : f32[1,1,256]
  %4 = add(%2, %3) : f32[8,64,256]
  %5 = multiply(%4, %1) : f32[8,64,256]
  %6 = reduce_sum(%5) {axes=[1,2], keepdims=false} : f32[8]
  %7 = reduce_sum(%6) {axes=[0], keepdims=false} : f32[]
  return %7 as "y"
}
)");
}

TEST(SplitSums, WhatIsReadElsewhereTooIsReadFromItsArray) {
  EXPECT_EQ(split(R"(graph @norm(%x: f32[512,256]) {
  %0 = exp(%x) : f32[512,256]
  %1 = multiply(%0, %0) : f32[512,256]
  %2 = reduce_sum(%1) : f32[]
  return %0 as "exp"
  return %2 as "sum"
})"),
            R"(graph @norm(%x: f32[512,256]) {
  %0 = exp(%x) : f32[512,256]
  %1 = reshape(%0) {shape=[8,64,256]} : f32[8,64,256]
  %2 = multiply(%1, %1) : f32[8,64,256]
  %3 = reduce_sum(%2) {axes=[1,2], keepdims=false} : f32[8]
  %4 = reduce_sum(%3) {axes=[0], keepdims=false} : f32[]
  return %0 as "exp"
  return %4 as "sum"
}
)");
}

TEST(SplitSums, WhatIsMappedWhereItIsSummedStays) {
  const std::string text = R"(graph @ramp(%x: f32[512,256]) {
  %0 = transpose(%x) {permutation=[1,0]} : f32[256,512]
  %1 = exp(%0) : f32[256,512]
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  return %2 as "y"
}
)";
  EXPECT_EQ(split(text), text);
}

}  // namespace
}  // namespace mica::ir
