#include "compiler/passes/checkpoint.h"

#include "compiler/graph/location.h"
#include "compiler/program/order.h"
#include "graph_testing.h"

namespace mica::ir {
namespace {

// Two hidden layers and the gradients of the sum of what they give.
constexpr std::string_view kNetwork = R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4,5]
  %w = variable "w" : f32[5,3]
  %0 = matmul(%x, %v) : f32[N,5]              # first
  %1 = tanh(%0) : f32[N,5]                    # first
  %2 = matmul(%1, %w) : f32[N,3]              # second
  %3 = tanh(%2) : f32[N,3]                    # second
  %4 = multiply(%3, %3) : f32[N,3]
  %5 = reduce_sum(%4) {axes=[], keepdims=false} : f32[]
  %6:2 = gradient(%5, %v, %w) : f32[4,5], f32[5,3]
  return %5 as "loss"
  return %6#0 as "dv"
  return %6#1 as "dw"
})";

std::vector<Node*> nodes_at(const Graph& graph, std::string_view loc) {
  std::vector<Node*> nodes;
  for (const auto& node : graph.nodes()) {
    if (node->loc() == loc) nodes.push_back(node.get());
  }
  return nodes;
}

std::unique_ptr<Graph> with_checkpoint(std::string_view text, std::string_view loc) {
  auto graph = parsed(text);
  make_checkpoint(*graph, nodes_at(*graph, loc));
  graph->sort_and_sweep();
  return graph;
}

void expect_same_gradients(const Graph& checkpointed, std::string_view text) {
  auto plain = parsed(text);
  run_named(*plain, {"autodiff"});
  auto graph = checkpointed.clone();
  run_named(*graph, {"autodiff", "open-checkpoints"});
  EXPECT_EQ(count_ops(*graph, "checkpoint"), 0);
  expect_equal_values(reference_values(*graph), reference_values(*plain));
}

TEST(Checkpoint, OutlinesARegion) {
  auto graph = with_checkpoint(kNetwork, "first");
  ASSERT_EQ(count_ops(*graph, "checkpoint"), 1);
  EXPECT_EQ(count_ops(*graph, "matmul"), 1) << "the other one is inside";
  EXPECT_THAT(print(*graph), testing::HasSubstr("checkpoint(%x, %0) : f32[N,5]"));
  auto again = parse_graph(print(*graph));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(print(**again), print(*graph));
}

TEST(Checkpoint, GradientsAreThoseWithoutIt) {
  expect_same_gradients(*with_checkpoint(kNetwork, "first"), kNetwork);
  expect_same_gradients(*with_checkpoint(kNetwork, "second"), kNetwork);
}

TEST(Checkpoint, GradientsUseACopyThatWaitsForThem) {
  auto graph = with_checkpoint(kNetwork, "second");
  run_named(*graph, {"autodiff", "open-checkpoints", "canonicalize", "cleanup"});
  int recomputed = 0;
  for (const auto& node : graph->nodes()) {
    if (!node->is("tanh") || layer_of(node->loc()) != "second") continue;
    if (role_of(node->loc()) == Role::kRecomputed) {
      ++recomputed;
      EXPECT_TRUE(node->operand(0).node->operand(0).node->is("barrier")) << print(*graph);
    }
  }
  EXPECT_EQ(recomputed, 1) << print(*graph);
}

TEST(Checkpoint, WhatAGradientIsTakenByStaysOutside) {
  constexpr std::string_view kByAnInnerValue = R"(graph @g(%x: f32[N,4]) {
  %0 = tanh(%x) : f32[N,4]                    # inside
  %1 = multiply(%0, %0) : f32[N,4]            # inside
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3 = gradient(%2, %0) : f32[N,4]
  return %3 as "d0"
})";
  auto graph = with_checkpoint(kByAnInnerValue, "inside");
  EXPECT_EQ(count_ops(*graph, "checkpoint"), 0);
}

TEST(Checkpoint, AnUnusedRegionIsNone) {
  constexpr std::string_view kUnused = R"(graph @g(%x: f32[N,4]) {
  %0 = tanh(%x) : f32[N,4]                    # inside
  return %x as "y"
})";
  EXPECT_EQ(count_ops(*with_checkpoint(kUnused, "inside"), "checkpoint"), 0);
}

TEST(Checkpoint, SecondGradientsGoThroughIt) {
  constexpr std::string_view kTwice = R"(graph @g(%x: f32[3]) {
  %w = variable "w" : f32[3]
  %0 = multiply(%x, %w) : f32[3]              # inside
  %1 = tanh(%0) : f32[3]                      # inside
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3 = gradient(%2, %w) : f32[3]
  %4 = multiply(%3, %3) : f32[3]
  %5 = reduce_sum(%4) {axes=[], keepdims=false} : f32[]
  %6 = gradient(%5, %w) : f32[3]
  return %6 as "ddw"
})";
  auto graph = with_checkpoint(kTwice, "inside");
  ASSERT_EQ(count_ops(*graph, "checkpoint"), 1);
  expect_same_gradients(*graph, kTwice);
}

TEST(Checkpoint, RandomNumbersAreDrawnTheSameTwice) {
  constexpr std::string_view kDropout = R"(graph @g(%x: f32[N,4], %state: i64[2]) {
  %w = variable "w" : f32[4,4]
  %0 = matmul(%x, %w) : f32[N,4]              # inside
  %1 = dropout(%0, %state) {rate=0.5} : f32[N,4]   # inside
  %2 = multiply(%1, %1) : f32[N,4]            # inside
  %3 = reduce_sum(%2) {axes=[], keepdims=false} : f32[]
  %4 = gradient(%3, %w) : f32[4,4]
  return %4 as "dw"
})";
  auto graph = with_checkpoint(kDropout, "inside");
  ASSERT_EQ(count_ops(*graph, "checkpoint"), 1);
  expect_same_gradients(*graph, kDropout);
}

// Who reads the old value behind a barrier that waits for the new one: the update must leave the old one alone.
TEST(Checkpoint, ABarrierOrdersSteps) {
  auto overwritten = [](std::string_view waits_for) {
    auto graph = parsed(std::string(R"(graph @g(%x: f32[4]) {
  %w = variable "w" : f32[4]
  %0 = add(%w, %x) : f32[4]
  %1 = barrier(%w, )") + std::string(waits_for) +
                        R"() : f32[4]
  %2 = tanh(%1) : f32[4]
  return %2 as "old"
  update %w = %0
})");
    return program::order_steps(*graph).overwritable.size();
  };
  EXPECT_EQ(overwritten("%x"), 1u);
  EXPECT_EQ(overwritten("%0"), 0u);
}

}  // namespace
}  // namespace mica::ir
