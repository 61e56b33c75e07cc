#include "compiler/passes/group_order.h"

#include <algorithm>
#include <set>

#include "graph_testing.h"

namespace mica::ir {
namespace {

constexpr std::size_t kEnough = 1'000'000;

TEST(GroupOrder, APathThroughAnotherUnitForbidsToJoinItsEnds) {
  auto graph = parsed(R"(graph @g(%x: f32[4]) {
  %0 = exp(%x) : f32[4]
  %1 = sin(%0) : f32[4]
  %2 = add(%0, %1) : f32[4]
  return %2 as "y"
})");
  GroupOrder order(*graph, kEnough);
  EXPECT_FALSE(order.join(1, 3));
  EXPECT_TRUE(order.join(1, 2));
  EXPECT_TRUE(order.join(1, 3));  // the path is inside of the unit
}

TEST(GroupOrder, SearchesNoFurtherThanItMay) {
  auto graph = parsed(R"(graph @g(%x: f32[4]) {
  %0 = exp(%x) : f32[4]
  %1 = sin(%0) : f32[4]
  %2 = cos(%0) : f32[4]
  %3 = add(%0, %2) : f32[4]
  return %1 as "y"
  return %3 as "z"
})");
  GroupOrder order(*graph, 2);
  EXPECT_FALSE(order.join(1, 2));
  EXPECT_TRUE(GroupOrder(*graph, kEnough).join(1, 2));
}

// Two operands a node, from the last few or from all before it.
std::unique_ptr<Graph> random_graph(std::mt19937& random, int nodes) {
  auto graph = std::make_unique<Graph>();
  Values values = {graph->input({kFloat32, {Dim(4)}}, "x")};
  for (int i = 0; i < nodes; ++i) {
    std::size_t reach = random() % 2 ? std::min<std::size_t>(values.size(), 3) : values.size();
    auto operand = [&] { return values[values.size() - 1 - random() % reach]; };
    values.push_back(graph->add("add", {operand(), operand()}));
  }
  graph->add_output(values.back(), "y");
  return graph;
}

// Whether the graph of units has a cycle when a and b are one.
bool closes_cycle(const Graph& graph, std::vector<std::size_t> unit, std::size_t a, std::size_t b) {
  std::replace(unit.begin(), unit.end(), std::size_t{b}, std::size_t{a});
  std::vector<std::set<std::size_t>> after(unit.size());
  std::vector<int> waits(unit.size());
  for (const auto& node : graph.nodes()) {
    for (const Value& operand : node->operands()) {
      std::size_t from = unit[operand.node->position()], to = unit[node->position()];
      if (from != to && after[from].insert(to).second) ++waits[to];
    }
  }
  std::vector<std::size_t> ready;
  std::size_t done = 0;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    if (waits[i] == 0) ready.push_back(i);
  }
  for (; !ready.empty(); ++done) {
    std::size_t next = ready.back();
    ready.pop_back();
    for (std::size_t to : after[next]) {
      if (--waits[to] == 0) ready.push_back(to);
    }
  }
  return done != unit.size();
}

TEST(GroupOrder, AgreesWithASearchOfTheWholeGraph) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    auto graph = random_graph(random, 40);
    GroupOrder order(*graph, kEnough);
    std::vector<std::size_t> unit(graph->nodes().size());
    for (std::size_t i = 0; i < unit.size(); ++i) unit[i] = i;
    for (int attempt = 0; attempt < 60; ++attempt) {
      std::size_t a = random() % unit.size(), b = random() % unit.size();
      if (unit[a] == unit[b]) continue;
      const bool cycle = closes_cycle(*graph, unit, unit[a], unit[b]);
      ASSERT_EQ(order.join(a, b), !cycle) << "round " << round << ", nodes " << a << " and " << b;
      if (!cycle) std::replace(unit.begin(), unit.end(), std::size_t{unit[b]}, std::size_t{unit[a]});
    }
  }
}

}  // namespace
}  // namespace mica::ir
