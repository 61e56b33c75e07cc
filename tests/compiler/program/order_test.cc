#include "compiler/program/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"

namespace mica::program {
namespace {

using ::testing::ElementsAre;

// The operations of the steps in the order of the run.
std::vector<std::string> ordered(std::string_view text) {
  absl::StatusOr<std::unique_ptr<ir::Graph>> graph = ir::parse_graph(text);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  std::vector<std::string> operations;
  for (const ir::Node* step : order_steps(**graph).steps) operations.push_back(step->op().name);
  return operations;
}

// A chain of exp, cos, sin and what is handed out of its beginning, with a location, last.
std::string chain_with(std::string_view location) {
  return absl::StrCat(R"(graph @g(%x: f32[N,4]) {
  %0 = exp(%x) : f32[N,4]
  %1 = cos(%0) : f32[N,4]
  %2 = sin(%1) : f32[N,4]
  %3 = reduce_sum(%0) {axes=[0], keepdims=false} : f32[4])",
                      std::string(location), R"(
  return %2 as "y"
  return %3 as "sum"
})");
}

TEST(OrderSteps, KeepsTheOrderOfTheGraph) {
  EXPECT_THAT(ordered(chain_with("")), ElementsAre("exp", "cos", "sin", "reduce_sum"));
  EXPECT_THAT(ordered(chain_with("  # dense")), ElementsAre("exp", "cos", "sin", "reduce_sum"));
}

TEST(OrderSteps, AGradientThatIsHandedOutRunsAsSoonAsItCan) {
  EXPECT_THAT(ordered(chain_with("  # dense backward")), ElementsAre("exp", "reduce_sum", "cos", "sin"));
}

TEST(OrderSteps, AnUpdateRunsAsSoonAsItCanButBehindTheReadersOfTheOldValue) {
  EXPECT_THAT(ordered(R"(graph @g(%x: f32[4]) {
  %0 = variable "v" : f32[4]
  %1 = exp(%x) : f32[4]
  %2 = cos(%1) : f32[4]
  %3 = multiply(%2, %0) : f32[4]
  %4 = sin(%3) : f32[4]
  %5 = add(%1, %0) : f32[4]
  return %4 as "y"
  update %0 = %5
})"),
              ElementsAre("exp", "cos", "multiply", "add", "sin"));
}

}  // namespace
}  // namespace mica::program
