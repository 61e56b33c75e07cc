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
