// simplify and name_shared_values on kernels as lowering and the schedules make them: equal bits, text that reads back.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/loop/expand_math.h"
#include "compiler/loop/interpret.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_cpu.h"
#include "compiler/loop/schedule_gpu.h"
#include "compiler/loop/simplify.h"
#include "compiler/ops/op_def.h"

namespace mica::loop {
namespace {

using Arrays = std::vector<std::vector<float>>;

Kernel lowered(const std::string& operation) {
  auto graph =
      ir::parse_graph("graph @g(%x: f32[N,20], %w: f32[20,33]) {\n %0 = " + operation + "\n return %0 as \"y\"\n}");
  EXPECT_TRUE(graph.ok()) << graph.status();
  absl::StatusOr<Kernel> kernel = lower(*(*graph)->outputs()[0].value.node);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return *kernel;
}

// All parameters after a run with N = n; inputs are waves, outputs begin as 0.
Arrays run(const Kernel& kernel, std::int64_t n) {
  Arrays arrays;
  for (const BufferRef& param : kernel.params) {
    const std::int64_t numel = ir::product(param->dims).evaluate([&](const ir::Symbol&) { return n; });
    std::vector<float>& array = arrays.emplace_back(static_cast<std::size_t>(numel), 0.0F);
    if (param->access != Access::kIn) continue;
    for (std::size_t i = 0; i < array.size(); ++i) array[i] = std::sin(0.7F * static_cast<float>(i + arrays.size()));
  }
  std::vector<InterpretBuffer> buffers;
  for (std::vector<float>& array : arrays) buffers.push_back({array.data(), array.size() * sizeof(float)});
  absl::Status status = interpret(kernel, buffers, std::vector<std::int64_t>(kernel.symbols().size(), n));
  EXPECT_TRUE(status.ok()) << status;
  return arrays;
}

void expect_cleaned_up_unchanged(const Kernel& scheduled) {
  Kernel expanded = expand_math(scheduled), clean = name_shared_values(simplify(expanded));
  ASSERT_TRUE(verify(clean).ok()) << verify(clean) << print(clean);
  absl::StatusOr<Kernel> again = parse_kernel(print(clean));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(print(*again), print(clean));
  for (std::int64_t n : {1, 3, 17}) EXPECT_EQ(run(clean, n), run(expanded, n)) << print(clean);
}

class CleanUp : public ::testing::TestWithParam<const char*> {};

TEST_P(CleanUp, ChangesNoBitOnTheCpu) { expect_cleaned_up_unchanged(schedule_cpu(lowered(GetParam()), {.lanes = 8})); }
TEST_P(CleanUp, ChangesNoBitOnTheGpu) { expect_cleaned_up_unchanged(schedule_gpu(lowered(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(Operations, CleanUp,
                         ::testing::Values("exp(%x)", "tanh(%x)", "sin(%x)", "reduce_sum(%x) {axes=[1]}",
                                           "reduce_max(%x) {axes=[0]}", "reshape(%x) {shape=[N,5,4]}",
                                           "concat(%x, %x) {axis=1}", "matmul(%x, %w)"));

}  // namespace
}  // namespace mica::loop
