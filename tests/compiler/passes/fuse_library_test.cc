#include "absl/strings/str_cat.h"
#include "compiler/passes/groups.h"
#include "graph_testing.h"

namespace mica::ir {
namespace {

std::unique_ptr<Graph> fused(std::string_view text) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"fuse-library"});
  expect_equal_values(reference_values(*graph), want);
  return graph;
}

const Node& only_group(const Graph& graph) {
  const Node* group = nullptr;
  for (const auto& node : graph.nodes()) {
    if (is_library_group(*node)) group = node.get();
  }
  if (!group) throw std::runtime_error("no library group in\n" + print(graph));
  return *group;
}

constexpr const char* kDense = R"(graph @g(%x: f32[N,4]) {
  %w = variable "kernel" : f32[4,2]
  %b = variable "bias" : f32[2]
  %0 = matmul(%x, %w) : f32[N,2]
  %1 = add(%0, %b) : f32[N,2]
  %2 = relu(%1) : f32[N,2]
  return %2 as "y")";

TEST(FuseLibrary, TakesBiasAndActivation) {
  auto graph = fused(std::string(kDense) + "\n}");
  EXPECT_EQ(only_group(*graph).attrs().text("name"), "matmul_add_relu");
  EXPECT_FALSE(only_group(*graph).attrs().flag("split_by_tap"));
  EXPECT_EQ(count_ops(*graph, "relu"), 0);
}

TEST(FuseLibrary, ATapEndsTheEpilogueAndSaysSo) {
  auto graph = fused(std::string(kDense) + "\n  tap %1 as \"preactivation\"\n}");
  EXPECT_EQ(only_group(*graph).attrs().text("name"), "matmul_add");
  EXPECT_TRUE(only_group(*graph).attrs().flag("split_by_tap"));
  EXPECT_EQ(count_ops(*graph, "relu"), 1);
}

TEST(FuseLibrary, ASecondUserEndsTheEpilogue) {
  auto graph = fused(std::string(kDense) + "\n  %3 = exp(%1) : f32[N,2]\n  return %3 as \"z\"\n}");
  EXPECT_EQ(only_group(*graph).attrs().text("name"), "matmul_add");
}

// The gradient of a weight that is used in forty places.
TEST(FuseLibrary, AnEpilogueIsNoLongerThanTheLibraryTakes) {
  std::string text = "graph @g(%x: f32[2,4], %w: f32[4,2]) {\n  %0 = matmul(%x, %w) : f32[2,2]\n";
  for (int i = 1; i < 40; ++i) {
    absl::StrAppend(&text, "  %p", i, " = matmul(%x, %w) : f32[2,2]\n");
    absl::StrAppend(&text, "  %", i, " = add(%", i - 1, ", %p", i, ") : f32[2,2]\n");
  }
  auto graph = fused(text + "  return %39 as \"y\"\n}");
  std::size_t longest = 0;
  for (const auto& node : graph->nodes()) {
    if (is_library_group(*node))
      longest = std::max(longest, node->body().nodes().size() - node->body().inputs().size());
  }
  EXPECT_EQ(longest, 25u) << "a product and its epilogue; oneDNN takes 32 operations";
}

TEST(FuseLibrary, AnOperationThatTheLibraryDoesNotKnowStays) {
  auto graph = fused(R"(graph @g(%x: f32[N,4], %w: f32[4,2]) {
  %0 = matmul(%x, %w) : f32[N,2]
  %1 = cos(%0) : f32[N,2]
  return %1 as "y"
})");
  EXPECT_EQ(only_group(*graph).attrs().text("name"), "matmul");
  EXPECT_EQ(count_ops(*graph, "cos"), 1);
}

TEST(FuseLibrary, TheLaterOfTwoCallsTakesTheirSum) {
  auto graph = fused(R"(graph @g(%x: f32[N,4], %w: f32[4,2], %v: f32[4,2]) {
  %0 = matmul(%x, %w) : f32[N,2]
  %1 = matmul(%x, %v) : f32[N,2]
  %2 = add(%0, %1) : f32[N,2]
  return %2 as "y"
})");
  EXPECT_EQ(count_ops(*graph, "fusion"), 2);
  EXPECT_EQ(count_ops(*graph, "add"), 0);
}

TEST(FuseLibrary, WithoutLibrariesNothingIsTaken) {
  auto graph = parsed(std::string(kDense) + "\n}");
  run_named(*graph, {"fuse-library"}, {.libraries = false});
  EXPECT_EQ(count_ops(*graph, "fusion"), 0);
}

}  // namespace
}  // namespace mica::ir
