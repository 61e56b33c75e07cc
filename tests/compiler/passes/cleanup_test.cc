#include "graph_testing.h"

namespace mica::ir {
namespace {

TEST(Cleanup, EqualNodesBecomeOne) {
  auto graph = parsed(R"(graph @g(%x: f32[4]) {
  %0 = exp(%x) : f32[4]
  %1 = exp(%x) : f32[4]
  %2 = add(%0, %1) : f32[4]
  return %2 as "y"
})");
  auto want = reference_values(*graph);
  run_named(*graph, {"cleanup"});
  EXPECT_EQ(count_ops(*graph, "exp"), 1);
  expect_equal_values(reference_values(*graph), want);
}

TEST(Cleanup, OtherAttributesAreOtherValues) {
  auto graph = parsed(R"(graph @g(%x: f32[4,4]) {
  %0 = reduce_sum(%x) {axes=[0], keepdims=false} : f32[4]
  %1 = reduce_sum(%x) {axes=[1], keepdims=false} : f32[4]
  %2 = add(%0, %1) : f32[4]
  return %2 as "y"
})");
  run_named(*graph, {"cleanup"});
  EXPECT_EQ(count_ops(*graph, "reduce_sum"), 2);
}

TEST(Cleanup, DeadNodesGo) {
  auto graph = parsed(R"(graph @g(%x: f32[4]) {
  %0 = exp(%x) : f32[4]
  %1 = cos(%0) : f32[4]
  return %0 as "y"
})");
  run_named(*graph, {"cleanup"});
  EXPECT_EQ(count_ops(*graph, "cos"), 0);
}

TEST(ConstantFold, ArithmeticOnConstants) {
  auto graph = parsed(R"(graph @g(%x: f32[N]) {
  %0 = constant() {value=3, dtype=f32, shape=[]} : f32[]
  %1 = constant() {value=4, dtype=f32, shape=[]} : f32[]
  %2 = multiply(%0, %1) : f32[]
  %3 = add(%x, %2) : f32[N]
  return %3 as "y"
})");
  run_named(*graph, {"fold"});
  EXPECT_EQ(count_ops(*graph, "multiply"), 0);
  EXPECT_EQ(graph->nodes()[1]->attrs().number("value"), 12);
}

TEST(ConstantFold, ReductionsUpToTheLimit) {
  const char* text = R"(graph @g(%x: f32[]) {
  %0 = constant() {value=3, dtype=f32, shape=[100]} : f32[100]
  %1 = reduce_sum(%0) {axes=[], keepdims=false} : f32[]
  %2 = add(%x, %1) : f32[]
  return %2 as "y"
})";
  auto folded = parsed(text), kept = parsed(text);
  run_named(*folded, {"fold"});
  run_named(*kept, {"fold"}, {.fold_limit = 99});
  EXPECT_EQ(count_ops(*folded, "reduce_sum"), 0);
  EXPECT_EQ(count_ops(*kept, "reduce_sum"), 1);
}

TEST(Legalize, DecomposesWhatIsComposite) {
  auto graph = parsed(R"(graph @g(%x: f32[N,4]) {
  %0 = relu(%x) : f32[N,4]                # dense
  return %0 as "y"
})");
  auto want = reference_values(*graph);
  run_named(*graph, {"legalize"});
  EXPECT_EQ(count_ops(*graph, "relu"), 0);
  EXPECT_EQ(graph->outputs()[0].value.node->loc(), "dense");
  expect_equal_values(reference_values(*graph), want);
}

}  // namespace
}  // namespace mica::ir
