#include "absl/strings/str_cat.h"
#include "graph_testing.h"

namespace mica::ir {
namespace {

int num_concats(int arrays) {
  std::string inputs, operands;
  for (int i = 0; i < arrays; ++i) {
    absl::StrAppend(&inputs, i > 0 ? ", " : "", "%x", i, ": f32[2,", 1 + i % 2, "]");
    absl::StrAppend(&operands, i > 0 ? ", " : "", "%x", i);
  }
  const auto graph = parsed(absl::StrCat("graph @g(", inputs, ") {\n  %0 = concat(", operands, ") {axis=-1} : f32[2,",
                                         arrays + arrays / 2, "]\n  return %0 as \"y\"\n}"));
  const auto want = reference_values(*graph);
  run_named(*graph, {"split-concats"});
  expect_equal_values(reference_values(*graph), want);
  return static_cast<int>(std::ranges::count_if(graph->nodes(), [](const auto& node) { return node->is("concat"); }));
}

TEST(SplitConcats, FewArraysStay) { EXPECT_EQ(num_concats(64), 1); }
TEST(SplitConcats, TheRestOfOneStays) { EXPECT_EQ(num_concats(65), 2); }
TEST(SplitConcats, ManyArraysAreATree) { EXPECT_EQ(num_concats(64 * 64 + 2), 64 + 1 + 1 + 1); }

}  // namespace
}  // namespace mica::ir
