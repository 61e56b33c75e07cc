#include "compiler/program/plan.h"

#include "compiler/loop/lower.h"
#include "compiler/program/order.h"
#include "tests/compiler/passes/graph_testing.h"

namespace mica::program {
namespace {

Plan planned(std::string_view text, const ir::PassOptions& options = {}) {
  auto graph = ir::parsed(text);
  absl::Status passed = ir::run_passes(*graph, ir::pipeline(), options);
  if (!passed.ok()) throw std::runtime_error(std::string(passed.message()));
  absl::StatusOr<Plan> plan = make_plan(*graph, loop::lower);
  if (!plan.ok()) throw std::runtime_error(std::string(plan.status().message()));
  return *std::move(plan);
}

const PlanBuffer& update_of(const Plan& plan, std::string_view name) {
  for (int update : plan.updates) {
    const PlanBuffer& buffer = plan.buffers[static_cast<std::size_t>(update)];
    if (buffer.name == name) return buffer;
  }
  throw std::runtime_error("no update of " + std::string(name));
}

int count(const Plan& plan, MicaSpace space) {
  return static_cast<int>(std::count_if(plan.buffers.begin(), plan.buffers.end(),
                                        [&](const PlanBuffer& buffer) { return buffer.space == space; }));
}

TEST(Plan, AnElementwiseUpdateOverwritesItsVariable) {
  Plan plan = planned(R"(graph @g(%x: f32[4]) {
  %v = variable "v" : f32[4]
  %0 = add(%v, %x) : f32[4]
  update %v = %0
})");
  EXPECT_TRUE(update_of(plan, "v").in_place);
}

TEST(Plan, AnUpdateThatReadsOtherElementsDoesNot) {
  Plan plan = planned(R"(graph @g(%x: f32[4,4]) {
  %v = variable "v" : f32[4,4]
  %0 = transpose(%v) {permutation=[1,0]} : f32[4,4]
  %1 = add(%0, %x) : f32[4,4]
  update %v = %1
})");
  EXPECT_FALSE(update_of(plan, "v").in_place) << print(plan);
}

TEST(Plan, AnOldValueThatIsHandedOutIsKept) {
  Plan plan = planned(R"(graph @g(%x: f32[4]) {
  %v = variable "v" : f32[4]
  %0 = add(%v, %x) : f32[4]
  return %v as "before"
  update %v = %0
})");
  EXPECT_FALSE(update_of(plan, "v").in_place);
}

TEST(Plan, OtherReadersOfTheOldValueRunFirst) {
  Plan plan = planned(R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4,4]
  %0 = exp(%v) : f32[4,4]
  %1 = matmul(%x, %v) : f32[N,4]
  return %1 as "y"
  update %v = %0
})");
  ASSERT_EQ(plan.run.size(), 2u);
  EXPECT_EQ(plan.run[0].kind, MICA_LIBRARY) << print(plan);
  EXPECT_TRUE(update_of(plan, "v").in_place);
}

TEST(Plan, AReaderOfBothTheOldAndTheNewValueForbidsOverwriting) {
  Plan plan = planned(R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4,4]
  %0 = exp(%v) : f32[4,4]
  %1 = matmul(%v, %0) : f32[4,4]
  return %1 as "y"
  update %v = %0
})");
  EXPECT_FALSE(update_of(plan, "v").in_place) << print(plan);
}

TEST(Plan, WhatDependsOnFixedVariablesIsInit) {
  const char* text = R"(graph @g(%x: f32[N,4]) {
  %v = variable "v" : f32[4]
  %0 = rsqrt(%v) : f32[4]
  %1 = multiply(%x, %0) : f32[N,4]
  return %1 as "y")";
  Plan fixed = planned(std::string(text) + "\n}");
  EXPECT_EQ(fixed.init.size(), 1u);
  EXPECT_EQ(fixed.run.size(), 1u);
  Plan trained = planned(std::string(text) + "\n  %2 = add(%v, %v) : f32[4]\n  update %v = %2\n}");
  EXPECT_TRUE(trained.init.empty()) << print(trained);
}

TEST(Plan, WeightsThatALibraryReadsArePackedUnlessTheyAreTrained) {
  const char* text = R"(graph @g(%x: f32[N,4]) {
  %w = variable "w" : f32[4,4]
  %1 = matmul(%x, %w) : f32[N,4]
  return %1 as "y")";
  EXPECT_EQ(planned(std::string(text) + "\n}").init.size(), 1u);
  EXPECT_TRUE(planned(std::string(text) + "\n  %2 = add(%w, %w) : f32[4,4]\n  update %w = %2\n}").init.empty());
}

TEST(Plan, AReshapedResultCostsNoCopy) {
  Plan plan = planned(R"(graph @g(%x: f32[N,6]) {
  %0 = exp(%x) : f32[N,6]
  %1 = reshape(%0) {shape=[N,2,3]} : f32[N,2,3]
  return %1 as "y"
})");
  EXPECT_EQ(plan.run.size(), 1u);
  EXPECT_EQ(count(plan, MICA_RESULT), 1);
}

TEST(Plan, ResultsThatAreOperandsAreHandedThrough) {
  Plan plan = planned(R"(graph @g(%x: f32[N,6]) {
  %v = variable "v" : f32[4]
  return %x as "x"
  return %v as "v"
})");
  EXPECT_TRUE(plan.run.empty());
  EXPECT_EQ(plan.results, (std::vector<int>{plan.inputs[0], plan.variables[0]}));
}

TEST(Plan, AnUpdateToAnInputIsACopy) {
  Plan plan = planned(R"(graph @g(%x: f32[4]) {
  %v = variable "v" : f32[4]
  update %v = %x
})");
  ASSERT_EQ(plan.run.size(), 1u);
  EXPECT_EQ(plan.run[0].kind, MICA_COPY);
}

TEST(Plan, ADyingOperandLendsItsStorage) {
  // exp of the product may overwrite the product, which nobody else reads.
  Plan plan = planned(R"(graph @g(%x: f32[N,4], %w: f32[4,4]) {
  %0 = matmul(%x, %w) : f32[N,4]
  %1 = cos(%0) : f32[N,4]
  %2 = matmul(%1, %w) : f32[N,4]
  return %2 as "y"
})");
  EXPECT_EQ(count(plan, MICA_ARENA), 1) << print(plan);
}

TEST(Plan, AnOperandThatIsReadLaterDoesNot) {
  Plan plan = planned(R"(graph @g(%x: f32[N,4], %w: f32[4,4]) {
  %0 = matmul(%x, %w) : f32[N,4]
  %1 = cos(%0) : f32[N,4]
  %2 = matmul(%1, %w) : f32[N,4]
  %3 = matmul(%2, %w) : f32[N,4]
  %4 = subtract(%3, %0) : f32[N,4]
  return %4 as "y"
})");
  EXPECT_GE(count(plan, MICA_ARENA), 2) << print(plan);
}

}  // namespace
}  // namespace mica::program
