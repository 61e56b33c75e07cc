#include "graph_testing.h"

namespace mica::ir {
namespace {

// A loop that carries a row state and adds up a matrix; `extra` is one more output of its body.
std::string loop(std::string_view sum, std::string_view extra, std::string_view extra_type) {
  return R"(graph @g(%h: f32[N,2], %z: f32[4,2], %x: f32[T,N,4]) {
  %0:)" + std::string(extra.empty() ? "2" : "3") +
         R"( = scan(%h, %z, %x) {num_states=2, num_xs=1} : f32[N,2], f32[4,2])" + std::string(extra_type) + R"(
    body @step(%h: f32[N,2], %z: f32[4,2], %x: f32[N,4]) {
      %0 = matmul(%x, %h) {transpose_a=true} : f32[4,2]
      %1 = )" +
         std::string(sum) + R"( : f32[4,2]
      %2 = tanh(%h) : f32[N,2]
      return %2 as "h"
      return %1 as "z"
)" + std::string(extra) +
         R"(    }
  return %0#0 as "h"
  return %0#1 as "z"
})";
}

std::int64_t states_left(const std::string& text) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"hoist-sums"});
  expect_equal_values(reference_values(*graph), want);
  for (const auto& node : graph->nodes()) {
    if (node->is("scan")) return node->attrs().integer("num_states");
  }
  return -1;
}

TEST(HoistSums, ASumOfProductsLeavesTheLoop) { EXPECT_EQ(states_left(loop("add(%z, %0)", "", "")), 1); }
TEST(HoistSums, TheOrderOfTheTermsDoesNotMatter) { EXPECT_EQ(states_left(loop("add(%0, %z)", "", "")), 1); }
TEST(HoistSums, ASumOverRowsLeavesTheLoop) {
  auto graph = parsed(R"(graph @g(%h: f32[N,2], %z: f32[2], %x: f32[T,N,2]) {
  %0:2 = scan(%h, %z, %x) {num_states=2, num_xs=1} : f32[N,2], f32[2]
    body @step(%h: f32[N,2], %z: f32[2], %x: f32[N,2]) {
      %0 = multiply(%x, %h) : f32[N,2]
      %1 = reduce_sum(%0) {axes=[0]} : f32[2]
      %2 = add(%z, %1) : f32[2]
      %3 = tanh(%0) : f32[N,2]
      return %3 as "h"
      return %2 as "z"
    }
  return %0#0 as "h"
  return %0#1 as "z"
})");
  auto want = reference_values(*graph);
  run_named(*graph, {"hoist-sums"});
  expect_equal_values(reference_values(*graph), want);
  for (const auto& node : graph->nodes()) {
    if (!node->is("scan")) continue;
    EXPECT_EQ(node->attrs().integer("num_states"), 1);
  }
}
// The factors are x, which lies stacked outside, and the state that the body hands out already.
TEST(HoistSums, WhatIsStackedAlreadyIsNotStackedAgain) {
  auto graph = parsed(loop("add(%z, %0)", "      return %h as \"each\"\n", ", f32[T,N,2]"));
  auto want = reference_values(*graph);
  run_named(*graph, {"hoist-sums"});
  expect_equal_values(reference_values(*graph), want);
  for (const auto& node : graph->nodes()) {
    if (!node->is("scan")) continue;
    EXPECT_EQ(node->num_results(), 2) << "the state and what each step hands out";
  }
}
TEST(HoistSums, ADecayingSumStays) { EXPECT_EQ(states_left(loop("subtract(%0, %z)", "", "")), 2); }
TEST(HoistSums, ASumThatEachStepHandsOutStays) {
  EXPECT_EQ(states_left(loop("add(%z, %0)", "      return %1 as \"each\"\n", ", f32[T,4,2]")), 2);
}

}  // namespace
}  // namespace mica::ir
