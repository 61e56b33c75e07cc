// Which loop runs in vectors, which in parallel. Values are tested against the reference by the generated tests of the
// operations.
#include "compiler/loop/schedule_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/loop/lower.h"
#include "compiler/ops/op_def.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string scheduled(std::string_view graph_text, int lanes = 16) {
  auto graph = ir::parse_graph(graph_text);
  if (!graph.ok()) return std::string(graph.status().message());
  auto kernel = lower(*(*graph)->outputs()[0].value.node);
  if (!kernel.ok()) return std::string(kernel.status().message());
  return print(schedule_cpu(*kernel, {lanes}));
}

TEST(ScheduleCpu, ElementwiseAxesCollapseToOneLoop) {
  std::string text = scheduled("graph @g(%x: f32[N,5,3]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("in x0: f32[15*N]"));
  EXPECT_THAT(text, Not(HasSubstr("[i, j")));
}

TEST(ScheduleCpu, ABroadcastOverTheLastAxisKeepsThatAxis) {
  EXPECT_EQ(scheduled(R"(graph @g(%x: f32[N,26,26,32], %b: f32[32]) {
                           %0 = add(%x, %b)
                           return %0 as "y"
                         })"),
            R"(kernel @add(in x0: f32[21632*N], in x1: f32[32], out y0: f32[21632*N] over x0) grain 512 {
  parallel i in 0..676*N {
    vector<32> l in 0..32 {
      y0[i*32 + l] = x0[i*32 + l] + x1[l]
} } }
)");
}

TEST(ScheduleCpu, RowSumsRunAlongTheRow) {
  std::string text = scheduled("graph @g(%x: f32[N,128]) {\n %0 = reduce_sum(%x) {axes=[1]}\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("parallel i in 0..N"));
  EXPECT_THAT(text, HasSubstr("acc0v[l] = acc0v[l] + x0[i, r0o*64 + l]"));
}

TEST(ScheduleCpu, ColumnSumsRunAcrossTheRows) {
  std::string text = scheduled("graph @g(%x: f32[N,128]) {\n %0 = reduce_sum(%x) {axes=[0]}\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("parallel io in 0..2"));
  EXPECT_THAT(text, HasSubstr("for r0 in 0..N"));
  EXPECT_THAT(text, HasSubstr("acc0v[l] = acc0v[l] + x0[r0, io*64 + l]"));
}

// A mask is contiguous over the rows of the batch, and rows of three are too short for lanes: neither the batch nor the
// time may become lanes of a kernel that keeps its states in rows.
TEST(ScheduleCpu, StatesInRowsKeepBatchAndTimeAsLoops) {
  std::string text = scheduled(R"(graph @g(%h: f32[N,3], %x: f32[6,N,3], %m: bool[6,N]) {
                                    %0 = scan(%h, %x, %m) {num_states=1, num_xs=2} : f32[N,3]
                                      body @step(%h: f32[N,3], %x: f32[N,3], %m: bool[N]) {
                                        %0 = reshape(%m) {shape=[N,1]} : bool[N,1]
                                        %1 = add(%h, %x) : f32[N,3]
                                        %2 = where(%0, %1, %h) : f32[N,3]
                                        return %2 as "h"
                                      }
                                    return %0 as "h"
                                  })");
  EXPECT_THAT(text, HasSubstr("parallel b in 0..-7*(N/8)+N {"));  // tiles of 8 rows, then single rows
  EXPECT_THAT(text, HasSubstr("for t in 0..6 {"));
}

TEST(ScheduleCpu, AMapRunsItsBlocksInParallelAndTheLastUnderAMask) {
  EXPECT_EQ(scheduled("graph @g(%x: f32[N]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}", 8),
            R"(kernel @exp(in x0: f32[N], out y0: f32[N] over x0) grain 195 {
  parallel io in 0..((N+15)/16) {
    if io < (N/16) {
      vector<16> l in 0..16 {
        y0[io*16 + l] = exp(x0[io*16 + l])
      }
    } else {
      vector<16> l in 0..-16*(N/16)+N {
        y0[l + 16*(N/16)] = exp(x0[l + 16*(N/16)])
} } } }
)");
}

TEST(ScheduleCpu, VariablesOfAnElementRunInItsVector) {
  std::string text = scheduled(R"(graph @g(%state: i64[2]) {
                                    %0 = random_bits(%state) {shape=[N,64]}
                                    return %0 as "y"
                                  })");
  EXPECT_THAT(text, HasSubstr("  parallel i0o in 0..N {\n    vector<64> l in 0..64 {\n      let seed"));
  EXPECT_THAT(text, HasSubstr("      y0[i0o*64 + l] = "));
}

TEST(ScheduleCpu, MatmulRunsItsColumnsInVectors) {
  std::string text =
      scheduled("graph @g(%x: f32[N,64], %w: f32[64,256]) {\n %0 = matmul(%x, %w)\n return %0 as \"y\"\n}");
  EXPECT_THAT(text, HasSubstr("parallel piece in 0..4*N"));
  EXPECT_THAT(text, HasSubstr("vector<64> l in 0..64"));
}

}  // namespace
}  // namespace mica::loop
