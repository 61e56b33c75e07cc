// PTX of the three schedules: what the machine is told, and that the assembler takes it.
#include "compiler/codegen/nvptx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/loop/expand_math.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_gpu.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"
#include "tests/compiler/codegen/ptxas.h"

namespace mica::codegen {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ptx_of(const std::string& graph_text, int sm) {
  auto graph = ir::parse_graph(graph_text);
  MICA_CHECK(graph.ok()) << graph.status().message();
  auto kernel = loop::lower(*(*graph)->outputs()[0].value.node);
  MICA_CHECK(kernel.ok()) << kernel.status().message();
  return ptx(loop::expand_math(loop::schedule_gpu(*kernel)), sm);
}

constexpr const char* kMap = "graph @g(%x: f32[N,3]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}";
constexpr const char* kMapInDouble = "graph @g(%x: f64[N,3]) {\n %0 = exp(%x)\n return %0 as \"y\"\n}";
constexpr const char* kRows = "graph @g(%x: f32[N,1000]) {\n %0 = reduce_max(%x) {axes=[1]}\n return %0 as \"y\"\n}";
constexpr const char* kProduct =
    "graph @g(%x: f32[N,64], %w: f32[64,256]) {\n %0 = matmul(%x, %w)\n return %0 as \"y\"\n}";

TEST(Nvptx, MapsLoadAndStoreGlobalMemory) {
  std::string text = ptx_of(kMap, 80);
  EXPECT_THAT(text, AllOf(HasSubstr(".target sm_80"), HasSubstr(".entry mica_exp("), HasSubstr(".reqntid 128, 1, 1"),
                          HasSubstr("ld.global"), HasSubstr("st.global.f32"), HasSubstr("%ctaid.x"),
                          HasSubstr("%tid.x"), HasSubstr("ld.param.u64")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr(".shared")), Not(HasSubstr(".local")), Not(HasSubstr("call"))));
}

TEST(Nvptx, RowsMeetInSharedMemory) {
  std::string text = ptx_of(kRows, 80);
  EXPECT_THAT(text, AllOf(HasSubstr("ld.global"), HasSubstr(".shared .align 16 .b8"), HasSubstr("st.shared.f32"),
                          HasSubstr("bar.sync"), HasSubstr("max.NaN.f32")));
}

TEST(Nvptx, ProductsKeepTheirSumInARegister) {
  std::string text = ptx_of(kProduct, 90);
  EXPECT_THAT(text, AllOf(HasSubstr(".target sm_90"), HasSubstr(".reqntid 16, 16, 1"), HasSubstr("ld.global"),
                          HasSubstr("ld.shared.f32"), HasSubstr("bar.sync"), HasSubstr("fma.rn.f32")));
  EXPECT_THAT(text, Not(HasSubstr(".local")));
}

TEST(Nvptx, FunctionsOfDoubleAreAnErrorOfTheUser) {
  try {
    ptx_of(kMapInDouble, 80);
    FAIL() << "PTX has no exp of float64";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "mica_exp: expected exp of float32 or narrower on a GPU, received float64. Cast the operand, or run "
                 "the model on the CPU.");
  }
}

TEST(Nvptx, TheAssemblerTakesItWithoutSpilling) {
  std::optional<std::filesystem::path> ptxas = find_ptxas();
  if (!ptxas) GTEST_SKIP() << "NOT TESTED: no ptxas in PATH, so no PTX was assembled";
  for (const char* graph : {kMap, kRows, kProduct}) {
    for (int sm : {80, 90}) {
      Assembled result = assemble(*ptxas, ptx_of(graph, sm), sm);
      EXPECT_TRUE(result.ok) << result.messages;
      EXPECT_THAT(result.messages, HasSubstr("0 bytes spill stores"));
    }
  }
}

}  // namespace
}  // namespace mica::codegen
