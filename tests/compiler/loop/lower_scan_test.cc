// What becomes a local row of a step, and how many rows run together.
#include "compiler/loop/lower_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/graph/graph.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A cell whose product reads what the step computes: h' = exp(h + x) w.
std::string lowered(const std::string& rows, int width) {
  auto graph = ir::parse_graph(absl::StrReplaceAll(R"(graph @g(%h: f32[$N,$W], %x: f32[6,$N,$W], %w: f32[$W,$W]) {
  %0 = scan(%h, %x, %w) {num_states=1, num_xs=1} : f32[$N,$W]
    body @step(%h: f32[$N,$W], %x: f32[$N,$W], %w: f32[$W,$W]) {
      %0 = add(%h, %x)
      %1 = exp(%0)
      %2 = matmul(%1, %w)
      return %2 as "h"
    }
  return %0 as "h"
})",
                                                   {{"$N", rows}, {"$W", absl::StrCat(width)}}));
  if (!graph.ok()) return std::string(graph.status().message());
  auto kernel = lower_scan(*(*graph)->outputs()[0].value.node);
  return kernel.ok() ? print(*kernel) : std::string(kernel.status().message());
}

TEST(LowerScan, WhatAProductReadsIsComputedOnceAStep) {
  std::string text = lowered("1", 4);
  EXPECT_THAT(text, HasSubstr("exp0[j] = exp(state0[j] + x1[t, b, j])"));
  EXPECT_THAT(text, HasSubstr("acc0[] = acc0[] + exp0[r0]*x2[r0, j]"));
}

TEST(LowerScan, AnOpenBatchRunsInTilesAndSingleRows) {
  std::string text = lowered("N", 4);
  EXPECT_THAT(text, HasSubstr("for b in 0..-7*(N/8)+N {"));
  EXPECT_THAT(text, HasSubstr("if b < (N/8) {"));
  EXPECT_THAT(text, HasSubstr("local state0: f32[8,4]"));
  EXPECT_THAT(text, HasSubstr("local state0: f32[4]"));
}

TEST(LowerScan, AKnownBatchHasNoCodeForWhatItNeverMeets) {
  EXPECT_THAT(lowered("16", 4), Not(HasSubstr("if ")));
  EXPECT_THAT(lowered("1", 4), Not(HasSubstr("if ")));
}

TEST(LowerScan, WideRowsRunInLowerTiles) {
  EXPECT_THAT(lowered("N", 4096), HasSubstr("f32[4,4096]"));  // 3 locals of 16 KiB a row in 256 KiB
}

TEST(LowerScan, RowsThatFitNoStackAreRefused) { EXPECT_THAT(lowered("N", 40000), HasSubstr("bytes")); }

}  // namespace
}  // namespace mica::loop
