#include "compiler/program/memory.h"

#include "compiler/loop/lower.h"
#include "tests/compiler/passes/graph_testing.h"

namespace mica::program {
namespace {

// Two products one after the other, by generated code: nothing is packed.
Plan two_products() {
  auto graph = ir::parsed(R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4,8]
  %w = variable "w" : f32[8,2]
  %0 = matmul(%x, %v) : f32[N,8]
  %1 = matmul(%0, %w) : f32[N,2]
  return %1 as "y"
})");
  absl::Status passed = ir::run_passes(*graph, ir::pipeline(), {.libraries = false});
  if (!passed.ok()) throw std::runtime_error(std::string(passed.message()));
  return *make_plan(*graph, loop::lower);
}

TEST(Memory, BytesOfEachKindForTheBatchThatIsAskedFor) {
  for (std::int64_t rows : {3, 50}) {
    MemoryUse use = memory_of(two_products(), [&](const ir::Symbol&) { return rows; });
    EXPECT_EQ(use.inputs, rows * 4 * 4);
    EXPECT_EQ(use.variables, (4 * 8 + 8 * 2) * 4);
    EXPECT_EQ(use.results, rows * 2 * 4);
    EXPECT_EQ(use.kept, 0);
    EXPECT_EQ(use.fullest_bytes, rows * 8 * 4);
    EXPECT_GE(use.arena, use.fullest_bytes);
    EXPECT_LT(use.arena, use.fullest_bytes + 64);
  }
}

TEST(Memory, WhatLivesInTheFullestStepIsNamed) {
  Plan plan = two_products();
  MemoryUse use = memory_of(plan, [](const ir::Symbol&) { return std::int64_t{3}; });
  ASSERT_EQ(use.live.size(), 1u);
  EXPECT_EQ(plan.buffers[static_cast<std::size_t>(use.live[0])].type.to_string(), "f32[N,8]");
  EXPECT_EQ(use.fullest_step, 0u);
}

// A value of the forward pass that the gradient reads is saved.
TEST(Memory, WhatGradientsReadIsSaved) {
  auto graph = ir::parsed(R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4,8]
  %w = variable "w" : f32[8,2]
  %0 = matmul(%x, %v) : f32[N,8]              # first
  %1 = tanh(%0) : f32[N,8]                    # first
  %2 = matmul(%1, %w) : f32[N,2]              # second
  %3 = multiply(%2, %2) : f32[N,2]            # loss
  %4 = reduce_sum(%3) {axes=[], keepdims=false} : f32[]   # loss
  %5:2 = gradient(%4, %v, %w) : f32[4,8], f32[8,2]
  return %4 as "loss"
  update %v = %5#0
  update %w = %5#1
})");
  ASSERT_TRUE(ir::run_passes(*graph, ir::pipeline(), {.libraries = false}).ok());
  Plan plan = *make_plan(*graph, loop::lower);
  MemoryUse use = memory_of(plan, [](const ir::Symbol&) { return std::int64_t{50}; });
  ASSERT_FALSE(use.saved.empty()) << print(plan);
  EXPECT_EQ(plan.buffers[static_cast<std::size_t>(use.saved[0])].type.to_string(), "f32[N,8]") << print(plan);
  EXPECT_GE(use.saved_bytes, 50 * 8 * 4);
  EXPECT_TRUE(memory_of(two_products(), [](const ir::Symbol&) { return std::int64_t{50}; }).saved.empty());
}

}  // namespace
}  // namespace mica::program
