// What a reader expects of the naive kernels: producers inlined, reductions where they belong, storage shared where it
// is safe.
#include "compiler/loop/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ops/op_def.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string lowered(std::string_view graph_text) {
  auto graph = ir::parse_graph(graph_text);
  if (!graph.ok()) return std::string(graph.status().message());
  auto kernel = lower(*(*graph)->outputs()[0].value.node);
  if (!kernel.ok()) return std::string(kernel.status().message());
  return print(*kernel);
}

TEST(Lower, MatmulFoldsItsDepthInAnAccumulator) {
  EXPECT_EQ(lowered(R"(graph @g(%x: f32[N,64], %w: f32[64,10]) {
                         %0 = matmul(%x, %w) : f32[N,10]
                         return %0 as "y"
                       })"),
            R"(kernel @matmul(in x0: f32[N,64], in x1: f32[64,10], out y0: f32[N,10]) {
  for i in 0..N {
    for j in 0..10 {
      local acc0: f32[]
      acc0[] = 0
      for r0 in 0..64 {
        acc0[] = acc0[] + x0[i, r0]*x1[r0, j]
      }
      y0[i, j] = acc0[]
} } }
)");
}

TEST(Lower, BroadcastOperandsDropTheirStretchedAxes) {
  std::string text = lowered(R"(graph @g(%x: f32[N,4,3], %b: f32[4,1]) {
                                  %0 = add(%x, %b) : f32[N,4,3]
                                  return %0 as "y"
                                })");
  EXPECT_THAT(text, HasSubstr("y0[i, j, k] = x0[i, j, k] + x1[j, 0]"));
}

TEST(Lower, AResultMayTakeTheStorageOfWhatItReadsElementByElement) {
  EXPECT_THAT(lowered("graph @g(%x: f32[N,4]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}"), HasSubstr("over x0"));
  EXPECT_THAT(lowered("graph @g(%x: f32[4,4]) {\n %0 = transpose(%x) {permutation=[1,0]}\n return %0 as \"y\"\n}"),
              Not(HasSubstr("over x0")));
}

// The sums of the rows are stored before the elements, which still read r.
TEST(Lower, ARowTakesNoStorageThatTheElementsOfTheRowRead) {
  EXPECT_THAT(lowered(R"(graph @g(%x: f32[N,6], %r: f32[N,1]) {
                           %0:2 = fusion(%x, %r) {name="rows", library=""} : f32[N,1], f32[N,6]
                             body @rows(%x: f32[N,6], %r: f32[N,1]) {
                               %0 = reduce_sum(%x) {axes=[1], keepdims=true} : f32[N,1]
                               %1 = multiply(%x, %r) : f32[N,6]
                               %2 = add(%1, %0) : f32[N,6]
                               return %0 as "sums"
                               return %2 as "elements"
                             }
                           return %0#1 as "y"
                         })"),
              Not(HasSubstr("over x1")));
}

// An update of weights beside a sum that does not read them.
TEST(Lower, ElementsTakeTheStorageThatNoRowReads) {
  const std::string text = lowered(R"(graph @g(%g: f32[N,6], %w: f32[N,6]) {
                           %0:2 = fusion(%g, %w) {name="rows", library=""} : f32[N,1], f32[N,6]
                             body @rows(%g: f32[N,6], %w: f32[N,6]) {
                               %0 = reduce_sum(%g) {axes=[1], keepdims=true} : f32[N,1]
                               %1 = multiply(%g, %0) : f32[N,6]
                               %2 = subtract(%w, %1) : f32[N,6]
                               return %0 as "sums"
                               return %2 as "elements"
                             }
                           return %0#1 as "y"
                         })");
  EXPECT_THAT(text, HasSubstr("out y1: f32[N,6] over x1"));
  EXPECT_THAT(text, Not(HasSubstr("over x0")));
}

// A moving mean beside the mean that keeps its axes.
TEST(Lower, AxesOfOneMakeNoRow) {
  EXPECT_THAT(lowered(R"(graph @g(%x: f32[N,8], %m: f32[8]) {
                           %0:2 = fusion(%x, %m) {name="rows", library=""} : f32[1,8], f32[8]
                             body @rows(%x: f32[N,8], %m: f32[8]) {
                               %0 = reduce_sum(%x) {axes=[0], keepdims=true} : f32[1,8]
                               %1 = reshape(%0) {shape=[8]} : f32[8]
                               %2 = add(%m, %1) : f32[8]
                               return %0 as "mean"
                               return %2 as "moving"
                             }
                           return %0#1 as "y"
                         })"),
              HasSubstr("out y1: f32[8] over x1"));
}

// The factor is stored outside the loops of the weight, which reads what it was.
TEST(Lower, AScalarDoesNotOverwriteWhatAMatrixOfOneReads) {
  EXPECT_THAT(lowered(R"(graph @g(%w: f32[1,1], %f: f32[]) {
                           %0:2 = fusion(%w, %f) {name="step", library=""} : f32[1,1], f32[]
                             body @step(%w: f32[1,1], %f: f32[]) {
                               %0 = multiply(%w, %f) : f32[1,1]
                               %1 = add(%f, %f) : f32[]
                               return %0 as "w"
                               return %1 as "f"
                             }
                           return %0#0 as "y"
                         })"),
              Not(HasSubstr("over x1")));
}

TEST(Lower, SumsToAScalarHaveNoLoopAround) {
  EXPECT_EQ(lowered("graph @g(%x: f32[7]) {\n %0 = reduce_sum(%x)\n return %0 as \"y\"\n}"),
            R"(kernel @reduce_sum(in x0: f32[7], out y0: f32[]) {
  local acc0: f32[]
  acc0[] = 0
  for r0 in 0..7 {
    acc0[] = acc0[] + x0[r0]
  }
  y0[] = acc0[]
}
)");
}

}  // namespace
}  // namespace mica::loop
