#include "graph_testing.h"

namespace mica::ir {
namespace {

// A scan over x whose body gives `next` (after `prefix`) as its state and its y.
std::string scan(std::string_view body) {
  return R"(graph @g(%h0: f32[N,2,4], %x: f32[T,N,2,4], %w: f32[3,4,4], %v: f32[4,4]) {
  %0:2 = scan(%h0, %x, %w, %v) {num_states=1, num_xs=1} : f32[N,2,4], f32[T,N,2,4]
    body @step(%h: f32[N,2,4], %x: f32[N,2,4], %w: f32[3,4,4], %v: f32[4,4]) {
)" + std::string(body) +
         R"(      return %9 as "h"
      return %9 as "y"
    }
  return %0#0 as "h"
  return %0#1 as "ys"
})";
}

// The graph after the pass, whose values are the same.
std::unique_ptr<Graph> looped(const std::string& text) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"make-loops"});
  expect_equal_values(reference_values(*graph), want);
  return graph;
}

TEST(MakeLoops, AProductOfRowsHasATemplate) {
  auto graph = looped(R"(graph @g(%h0: f32[N,4], %x: f32[T,N,4], %v: f32[4,4]) {
  %0:2 = scan(%h0, %x, %v) {num_states=1, num_xs=1} : f32[N,4], f32[T,N,4]
    body @step(%h: f32[N,4], %x: f32[N,4], %v: f32[4,4]) {
      %0 = matmul(%h, %v) : f32[N,4]
      %1 = add(%0, %x) : f32[N,4]
      return %1 as "h"
      return %1 as "y"
    }
  return %0#1 as "ys"
})");
  EXPECT_EQ(count_ops(*graph, "scan"), 1);
  EXPECT_EQ(count_ops(*graph, "loop"), 0);
}

TEST(MakeLoops, AWindowOverARowIsALoop) {
  auto graph = looped(scan(R"(      %0 = conv(%h, %w) {pad_low=[1], pad_high=[1]} : f32[N,2,4]
      %9 = add(%0, %x) : f32[N,2,4]
)"));
  EXPECT_EQ(count_ops(*graph, "scan"), 0);
  EXPECT_EQ(count_ops(*graph, "loop"), 1);
}

TEST(MakeLoops, MixedRowsAreALoop) {
  auto graph = looped(scan(R"(      %0 = softmax(%h) {axis=0} : f32[N,2,4]
      %9 = add(%0, %x) : f32[N,2,4]
)"));
  EXPECT_EQ(count_ops(*graph, "loop"), 1);
}

TEST(MakeLoops, InvariantsLeaveTheLoopAndCopiesStay) {
  auto graph = looped(scan(R"(      %0 = softmax(%h) {axis=0} : f32[N,2,4]
      %1 = matmul(%v, %v) : f32[4,4]
      %2 = matmul(%0, %1) : f32[N,2,4]
      %3 = reduce_sum(%v) {axes=[0], keepdims=false} : f32[4]
      %4 = broadcast_to(%3) {shape=[2,4]} : f32[2,4]
      %5 = add(%4, %x) : f32[N,2,4]
      %9 = add(%2, %5) : f32[N,2,4]
)"));
  EXPECT_EQ(count_ops(*graph, "matmul"), 1);
  EXPECT_EQ(count_ops(*graph, "reduce_sum"), 1);
  EXPECT_EQ(count_ops(*graph, "broadcast_to"), 0);
}

TEST(MakeLoops, TheBodyOfALoopIsFusedLikeAnyGraph) {
  auto graph = looped(scan(R"(      %0 = conv(%h, %w) {pad_low=[1], pad_high=[1]} : f32[N,2,4]
      %1 = add(%0, %x) : f32[N,2,4]
      %2 = sin(%1) : f32[N,2,4]
      %9 = add(%2, %h) : f32[N,2,4]
)"));
  run_named(*graph, {"fuse-library", "legalize", "canonicalize", "fold", "cleanup", "fuse-loops"});
  for (const auto& node : graph->nodes()) {
    if (!node->is("loop")) continue;
    EXPECT_EQ(count_ops(node->body(), "fusion"), 2) << print(*graph);
  }
}

}  // namespace
}  // namespace mica::ir
