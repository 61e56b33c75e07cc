// The shape of GPU kernels. Their values, bounds, barriers and races are checked in lock step by the generated tests of
// the operations.
#include "compiler/loop/schedule_gpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/loop/lower.h"
#include "compiler/ops/op_def.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;

std::string scheduled(std::string_view graph_text) {
  auto graph = ir::parse_graph(graph_text);
  if (!graph.ok()) return std::string(graph.status().message());
  auto kernel = lower(*(*graph)->outputs()[0].value.node);
  if (!kernel.ok()) return std::string(kernel.status().message());
  return print(schedule_gpu(*kernel));
}

TEST(ScheduleGpu, MapsGiveEveryElementAThread) {
  std::string text = scheduled("graph @g(%x: f32[N,3]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("thread_x t in 0..128"));
  EXPECT_THAT(text, HasSubstr("if block*128 + t < 3*N"));
}

TEST(ScheduleGpu, RowsFoldThroughSharedMemory) {
  std::string text = scheduled("graph @g(%x: f32[N,1000]) {\n %0 = reduce_sum(%x) {axes=[1]}\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("block_x block in 0..N"));
  EXPECT_THAT(text, HasSubstr("shared acc0_shared: f32[128]"));
  EXPECT_THAT(text, HasSubstr("barrier"));
}

TEST(ScheduleGpu, ProductsRunInTiles) {
  std::string text =
      scheduled("graph @g(%x: f32[N,64], %w: f32[64,256]) {\n %0 = matmul(%x, %w)\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("shared a_tile: f32[16,16]"));
  EXPECT_THAT(text, HasSubstr("block_y by in 0..((N+15)/16)"));
}

}  // namespace
}  // namespace mica::loop
