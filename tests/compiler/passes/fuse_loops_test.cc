#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/passes/groups.h"
#include "graph_testing.h"

namespace mica::ir {
namespace {

// The graph after fuse-loops, its values checked against those before.
std::unique_ptr<Graph> fused(std::string_view text) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"legalize", "canonicalize", "cleanup", "fuse-loops"});
  expect_equal_values(reference_values(*graph), want);
  return graph;
}

TEST(FuseLoops, AChainIsOneGroup) {
  auto graph = fused(R"(graph @g(%x: f32[N,4], %b: f32[4]) {
  %0 = add(%x, %b) : f32[N,4]
  %1 = exp(%0) : f32[N,4]
  %2 = multiply(%1, %x) : f32[N,4]
  return %2 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 1);
  EXPECT_EQ(graph->nodes().back()->attrs().text("name"), "add_exp_multiply");
}

constexpr const char* kSoftmax = R"(graph @g(%x: f32[N,C]) {
  %0 = reduce_max(%x) {axes=[1], keepdims=true} : f32[N,1]
  %1 = subtract(%x, %0) : f32[N,C]
  %2 = exp(%1) : f32[N,C]
  %3 = reduce_sum(%2) {axes=[1], keepdims=true} : f32[N,1]
  %4 = divide(%2, %3) : f32[N,C]
  return %4 as "y"
})";

TEST(FuseLoops, SeveralReductionsOverOneRowSpaceAreOneKernel) { EXPECT_EQ(count_ops(*fused(kSoftmax), "fusion"), 1); }

TEST(FuseLoops, AResultBesideAReductionOfLeadingAxesIsAnotherKernel) {
  // The bias gradient sums over rows; storing the summand there would walk memory by columns.
  auto graph = fused(R"(graph @g(%x: f32[N,4], %y: f32[N,4]) {
  %0 = multiply(%x, %y) : f32[N,4]
  %1 = reduce_sum(%0) {axes=[0], keepdims=false} : f32[4]
  return %0 as "product"
  return %1 as "sum"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

// A variance and what follows from it: `centered` is read in two kernels. How many arrays of x's size are stored?
int stored_arrays(std::string_view centered) {
  auto graph = fused(absl::StrCat(R"(graph @g(%x: f32[N,512,16], %m: f32[16]) {
  %0 = )",
                                  std::string(centered), R"( : f32[N,512,16]
  %1 = multiply(%0, %0) : f32[N,512,16]
  %2 = reduce_sum(%1) {axes=[0,1], keepdims=false} : f32[16]
  %3 = multiply(%0, %2) : f32[N,512,16]
  return %3 as "y"
})"));
  int stored = 0;
  for (const auto& node : graph->nodes()) {
    if (!node->is("fusion")) continue;
    for (const TensorType& type : node->result_types()) stored += type.rank() == 3;
  }
  return stored;
}

TEST(FuseLoops, WhatIsCheaperToComputeThanToStoreIsComputedWhereItIsRead) {
  EXPECT_EQ(stored_arrays("subtract(%x, %m)"), 1);
}
TEST(FuseLoops, WhatCostsMoreThanAReadIsStored) { EXPECT_EQ(stored_arrays("exp(%x)"), 2); }

TEST(FuseLoops, WhatIsComputedOnceMoreSaysSo) {
  const std::string text = print(*fused(R"(graph @g(%x: f32[N,512,16], %m: f32[16]) {
  %0 = subtract(%x, %m) : f32[N,512,16]  # norm
  %1 = multiply(%0, %0) : f32[N,512,16]  # norm backward
  %2 = reduce_sum(%1) {axes=[0,1], keepdims=false} : f32[16]  # norm backward
  %3 = multiply(%0, %2) : f32[N,512,16]  # norm backward
  return %3 as "y"
})"));
  std::vector<std::string> places;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    if (!absl::StrContains(line, "subtract(%p") || !absl::StrContains(line, "f32[N,512,16] ")) continue;
    places.push_back(line.substr(line.find("# ") + 2));
  }
  EXPECT_EQ(places, (std::vector<std::string>{"norm", "norm recomputed"})) << text;
}

TEST(FuseLoops, AResultThatIsAlsoReadElsewhereIsStored) {
  auto graph = fused(R"(graph @g(%x: f32[N,512,16], %m: f32[16]) {
  %0 = subtract(%x, %m) : f32[N,512,16]
  %1 = reduce_sum(%0) {axes=[0,1], keepdims=false} : f32[16]
  return %0 as "centered"
  return %1 as "sum"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

TEST(FuseLoops, ReductionsOfOtherAxesAreOtherKernels) {
  auto graph = fused(R"(graph @g(%x: f32[N,4]) {
  %0 = reduce_sum(%x) {axes=[1], keepdims=false} : f32[N]
  %1 = exp(%0) : f32[N]
  %2 = reduce_sum(%1) {axes=[0], keepdims=false} : f32[]
  return %2 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

TEST(FuseLoops, AnOptimizerUpdateIsOneKernelOfSeveralResults) {
  auto graph = fused(R"(graph @g(%g: f32[5,7]) {
  %p = variable "kernel" : f32[5,7]
  %m = variable "momentum" : f32[5,7]
  %0 = constant() {value=0.9, dtype=f32, shape=[]} : f32[]
  %1 = constant() {value=0.1, dtype=f32, shape=[]} : f32[]
  %2 = multiply(%m, %0) : f32[5,7]
  %3 = add(%2, %g) : f32[5,7]
  %4 = multiply(%3, %1) : f32[5,7]
  %5 = subtract(%p, %4) : f32[5,7]
  update %m = %3
  update %p = %5
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 1);
  EXPECT_EQ(graph->nodes().back()->num_results(), 2);
}

TEST(FuseLoops, MergingNeverMakesACycle) {
  // exp and the second add may not join around the product, which stands between them.
  auto graph = fused(R"(graph @g(%x: f32[4,4]) {
  %0 = exp(%x) : f32[4,4]
  %1 = matmul(%0, %x) : f32[4,4]
  %2 = add(%0, %1) : f32[4,4]
  return %2 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
  EXPECT_TRUE(verify(*graph).ok());
}

TEST(FuseLoops, ATapIsOneMoreResultOfTheSameGroup) {
  auto plain = fused(R"(graph @g(%x: f32[N,4]) {
  %0 = exp(%x) : f32[N,4]
  %1 = negative(%0) : f32[N,4]
  return %1 as "y"
})");
  auto tapped = fused(R"(graph @g(%x: f32[N,4]) {
  %0 = exp(%x) : f32[N,4]
  %1 = negative(%0) : f32[N,4]
  return %1 as "y"
  tap %0 as "hidden"
})");
  EXPECT_EQ(count_ops(*tapped, "fusion"), count_ops(*plain, "fusion"));
  EXPECT_EQ(tapped->nodes().back()->num_results(), 2);
}

TEST(FuseLoops, ATapThatItsGroupCannotStoreIsComputedAgain) {
  auto tapped = fused(R"(graph @g(%x: f32[N,4]) {
  %0 = exp(%x) : f32[N,4]
  %1 = reduce_sum(%0) {axes=[0], keepdims=false} : f32[4]
  return %1 as "y"
  tap %0 as "hidden"
})");
  ASSERT_EQ(count_ops(*tapped, "fusion"), 2);
  for (const auto& node : tapped->nodes()) {
    if (is_group(*node)) {
      EXPECT_EQ(node->num_results(), 1);
    }
  }
}

TEST(FuseLoops, ReshapesBetweenKernelsStayViews) {
  auto graph = fused(R"(graph @g(%x: f32[N,2,6]) {
  %0 = exp(%x) : f32[N,2,6]
  %1 = reshape(%0) {shape=[N,12]} : f32[N,12]
  %2 = reduce_sum(%1) {axes=[1], keepdims=false} : f32[N]
  return %2 as "y"
  return %1 as "flat"
})");
  EXPECT_EQ(count_ops(*graph, "reshape"), 1);
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

// Positions that stand upright, beside those of an array that lies in memory.
constexpr const char* kUprightPositions = R"(graph @g(%x: f32[4]) {
  %0 = iota() {shape=[3], axis=0, dtype=f32} : f32[3]
  %1 = reshape(%0) {shape=[3,1]} : f32[3,1]
  %2 = add(%1, %x) : f32[3,4]
  return %2 as "y"
})";

TEST(FuseLoops, AReshapedIotaIsComputedInTheKernelThatReadsIt) {
  EXPECT_EQ(count_ops(*fused(kUprightPositions), "fusion"), 1);
}

TEST(FuseLoops, AReshapedIotaThatIsHandedOutIsStored) {
  auto graph = fused(R"(graph @g(%x: f32[4]) {
  %0 = iota() {shape=[3], axis=0, dtype=f32} : f32[3]
  %1 = reshape(%0) {shape=[3,1]} : f32[3,1]
  return %1 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 1);
}

TEST(FuseLoops, AnAmbiguousRowIsNotTakenForAColumn) {
  // The sums of rows, stretched along columns: in one kernel each element would fold a row again.
  auto graph = fused(R"(graph @g(%x: f32[4,4]) {
  %0 = reduce_sum(%x) {axes=[1], keepdims=false} : f32[4]
  %1 = add(%x, %0) : f32[4,4]
  return %1 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

// The groups of a long chain are cut where they are full, however far its end is.
TEST(FuseLoops, ALongChainIsAsManyKernelsAsItMustBe) {
  Graph graph("g");
  Value x = graph.input({kFloat32, {Dim(4)}}, "x"), y = x;
  for (int i = 0; i < 9600; ++i) y = graph.add(i % 2 ? "sin" : "negative", {y});
  graph.add_output(y, "y");
  run_named(graph, {"fuse-loops"});
  EXPECT_EQ(count_ops(graph, "fusion"), 100);
}

TEST(FuseLoops, WhatDependsOnVariablesAloneIsAKernelOfItsOwn) {
  auto graph = fused(R"(graph @g(%x: f32[N,4]) {
  %g = variable "gamma" : f32[4]
  %v = variable "variance" : f32[4]
  %0 = rsqrt(%v) : f32[4]
  %1 = multiply(%g, %0) : f32[4]
  %2 = multiply(%x, %1) : f32[N,4]
  return %2 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
}

}  // namespace
}  // namespace mica::ir
