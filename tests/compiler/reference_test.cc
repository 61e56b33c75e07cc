#include "compiler/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mica::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Graph> parsed(std::string_view text) {
  absl::StatusOr<std::unique_ptr<Graph>> graph = parse_graph(text);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *std::move(graph);
}

constexpr const char* kCentered = R"(graph @centered(%x: f32[N,2]) {
  %0 = reduce_mean(%x) {axes=[0], keepdims=true} : f32[1,2]
  %1 = subtract(%x, %0) : f32[N,2]
  return %1 as "y"
})";

TEST(Reference, BindsSymbolsFromTheInputs) {
  auto graph = parsed(kCentered);
  std::vector<RefTensor> three = {{kFloat32, {3, 2}, {1, 2, 3, 4, 5, 6}}};
  EXPECT_THAT((*evaluate(*graph, three))[0].data, ElementsAre(-2, -2, 0, 0, 2, 2));
  std::vector<RefTensor> one = {{kFloat32, {1, 2}, {7, 8}}};
  EXPECT_THAT((*evaluate(*graph, one))[0].data, ElementsAre(0, 0));
}

TEST(Reference, GivesUpdatesWhereTheyStandAmongTheOutputs) {
  Graph graph;
  Value x = graph.input({kFloat32, {Dim(2)}}, "x"), w = graph.variable({kFloat32, {Dim(2)}}, "w");
  graph.add_output(graph.add("multiply", {x, w}), "y");
  graph.add_update(w, graph.add("subtract", {w, x}));
  std::vector<RefTensor> inputs = {{kFloat32, {2}, {1, 2}}}, variables = {{kFloat32, {2}, {10, 20}}};
  auto results = evaluate(graph, inputs, variables);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].data, ElementsAre(10, 40));
  EXPECT_THAT((*results)[1].data, ElementsAre(9, 18));
}

TEST(Reference, RefusesOperandsOfOtherTypes) {
  auto graph = parsed(kCentered);
  std::vector<RefTensor> wrong = {{kFloat64, {3, 2}, std::vector<double>(6)}};
  absl::Status status = evaluate(*graph, wrong).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected f32[N,2], received f64[3,2]"));
}

}  // namespace
}  // namespace mica::ir
