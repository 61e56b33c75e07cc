#include "graph_testing.h"

namespace mica::ir {
namespace {

std::string scan(std::string_view product) {
  return R"(graph @g(%h0: f32[N,2,3], %x: f32[T,N,2,3], %w: f32[3,3], %k: f32[2,3,3]) {
  %0:2 = scan(%h0, %x, %w, %k) {num_states=1, num_xs=1} : f32[N,2,3], f32[T,N,2,3]
    body @step(%h: f32[N,2,3], %x: f32[N,2,3], %w: f32[3,3], %k: f32[2,3,3]) {
      %0 = )" +
         std::string(product) +
         R"( : f32[N,2,3]
      %1 = add(%0, %h) : f32[N,2,3]
      %2 = tanh(%1) : f32[N,2,3]
      return %2 as "h"
      return %1 as "y"
    }
  return %0#0 as "h"
  return %0#1 as "ys"
})";
}

// How many nodes named `op` are left in the body after the pass, which changes no value.
int left_in_body(const std::string& text, std::string_view op) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"hoist-inputs"});
  expect_equal_values(reference_values(*graph), want);
  for (const auto& node : graph->nodes()) {
    if (node->is("scan")) return count_ops(node->body(), op);
  }
  return -1;
}

TEST(HoistInputs, AProductOfTheInputIsOneProductOfAllSteps) {
  EXPECT_EQ(left_in_body(scan("matmul(%x, %w)"), "matmul"), 0);
}
TEST(HoistInputs, SoIsAConvolution) {
  EXPECT_EQ(left_in_body(scan("conv(%x, %k) {pad_low=[1], pad_high=[0]}"), "conv"), 0);
}
TEST(HoistInputs, AProductOfTheStateStays) { EXPECT_EQ(left_in_body(scan("matmul(%h, %w)"), "matmul"), 1); }
TEST(HoistInputs, AMatrixThatAStepReadsTransposedIsTransposedOnce) {
  auto graph = parsed(scan("matmul(%h, %w) {transpose_b=true}"));
  auto want = reference_values(*graph);
  run_named(*graph, {"hoist-inputs"});
  expect_equal_values(reference_values(*graph), want);
  EXPECT_EQ(count_ops(*graph, "transpose"), 1) << print(*graph);
  EXPECT_THAT(print(*graph), ::testing::Not(::testing::HasSubstr("transpose_b=true")));
}
TEST(HoistInputs, WhatMixesRowsStays) {
  // The batch is what the product folds.
  EXPECT_EQ(left_in_body(R"(graph @g(%h0: f32[3,3], %x: f32[T,3,3], %w: f32[3,3]) {
  %0 = scan(%h0, %x, %w) {num_states=1, num_xs=1} : f32[3,3]
    body @step(%h: f32[3,3], %x: f32[3,3], %w: f32[3,3]) {
      %0 = matmul(%x, %w) {transpose_a=true} : f32[3,3]
      %1 = add(%0, %h) : f32[3,3]
      return %1 as "h"
    }
  return %0 as "h"
})",
                         "matmul"),
            1);
}

TEST(HoistInputs, TheGradientIsOneProductToo) {
  auto graph = parsed(R"(graph @g(%h0: f32[N,3], %x: f32[T,N,2], %w: f32[2,3]) {
  %0:2 = scan(%h0, %x, %w) {num_states=1, num_xs=1} : f32[N,3], f32[T,N,3]
    body @step(%h: f32[N,3], %x: f32[N,2], %w: f32[2,3]) {
      %0 = matmul(%x, %w) : f32[N,3]
      %1 = add(%0, %h) : f32[N,3]
      %2 = tanh(%1) : f32[N,3]
      return %2 as "h"
      return %2 as "y"
    }
  %1 = reduce_sum(%0#1) {axes=[], keepdims=false} : f32[]
  %2:2 = gradient(%1, %x, %w) : f32[T,N,2], f32[2,3]
  return %2#0 as "dx"
  return %2#1 as "dw"
})");
  run_named(*graph, {"canonicalize", "hoist-inputs", "autodiff"});
  EXPECT_EQ(count_ops(*graph, "matmul"), 3) << print(*graph);
  for (const auto& node : graph->nodes()) {
    if (node->is("scan")) {
      EXPECT_EQ(count_ops(node->body(), "matmul"), 0) << print(*graph);
    }
  }
}

}  // namespace
}  // namespace mica::ir
