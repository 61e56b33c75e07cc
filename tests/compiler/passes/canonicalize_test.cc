#include "compiler/passes/canonicalize.h"

#include <set>

#include "compiler/passes/layout.h"
#include "graph_testing.h"

namespace mica::ir {

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

namespace {

std::vector<Rule> all_rules() {
  std::vector<Rule> rules;
  for (std::span<const Rule> table : {canonical_rules(), layout_rules()})
    rules.insert(rules.end(), table.begin(), table.end());
  return rules;
}

class EveryRule : public testing::TestWithParam<Rule> {};

TEST_P(EveryRule, FiresOnItsExampleAndKeepsTheValue) {
  auto graph = parsed(GetParam().example);
  auto want = reference_values(*graph);
  absl::StatusOr<int> fired = apply_rules(*graph, {&GetParam(), 1});
  ASSERT_TRUE(fired.ok()) << fired.status().message();
  EXPECT_GE(*fired, 1);
  ASSERT_TRUE(verify(*graph).ok()) << verify(*graph).message() << print(*graph);
  expect_equal_values(reference_values(*graph), want);
}

TEST_P(EveryRule, LeavesItsNearMissAlone) {
  auto graph = parsed(GetParam().near_miss);
  std::string before = print(*graph);
  absl::StatusOr<int> fired = apply_rules(*graph, {&GetParam(), 1});
  ASSERT_TRUE(fired.ok()) << fired.status().message();
  EXPECT_EQ(*fired, 0);
  EXPECT_EQ(print(*graph), before);
}

INSTANTIATE_TEST_SUITE_P(Rules, EveryRule, testing::ValuesIn(all_rules()), [](const auto& rule) {
  std::string name(rule.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Canonicalize, RulesHaveDistinctNames) {
  std::set<std::string_view> names;
  for (const Rule& rule : all_rules()) EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
}

TEST(Canonicalize, ReachesAFixpoint) {
  auto graph = parsed(R"(graph @g(%x: f32[2,3]) {
  %0 = transpose(%x) {permutation=[1,0]} : f32[3,2]
  %1 = negative(%0) : f32[3,2]
  %2 = negative(%1) : f32[3,2]
  %3 = constant() {value=1, dtype=f32, shape=[]} : f32[]
  %4 = multiply(%2, %3) : f32[3,2]
  %5 = transpose(%4) {permutation=[1,0]} : f32[2,3]
  return %5 as "y"
})");
  run_named(*graph, {"canonicalize"});
  EXPECT_EQ(graph->outputs()[0].value, graph->inputs()[0]->result());
}

TEST(Pattern, ACaptureThatStandsTwiceMustBeOneValue) {
  Rule rule{"maximum-same", call("maximum", {any("x"), any("x")}), to("x"), "", ""};
  auto same = parsed("graph @g(%x: f32[2]) {\n %0 = maximum(%x, %x) : f32[2]\n return %0 as \"y\"\n}");
  auto different = parsed("graph @g(%x: f32[2], %z: f32[2]) {\n %0 = maximum(%x, %z) : f32[2]\n return %0 as \"y\"\n}");
  EXPECT_EQ(*apply_rules(*same, {&rule, 1}), 1);
  EXPECT_EQ(*apply_rules(*different, {&rule, 1}), 0);
}

TEST(Pattern, RulesThatFeedEachOtherAreReportedByName) {
  Rule rules[] = {
      {"to-exp", call("negative", {any("x")}), [](Match& m) { return m.b.exp(m["x"]); }, "", ""},
      {"to-negative", call("exp", {any("x")}), [](Match& m) { return -m["x"]; }, "", ""},
  };
  auto graph = parsed("graph @g(%x: f32[2]) {\n %0 = exp(%x) : f32[2]\n return %0 as \"y\"\n}");
  absl::StatusOr<int> fired = apply_rules(*graph, rules);
  ASSERT_FALSE(fired.ok());
  EXPECT_THAT(std::string(fired.status().message()),
              testing::StartsWith("rules feed each other without end, the last is to-"));
}

}  // namespace
}  // namespace mica::ir
