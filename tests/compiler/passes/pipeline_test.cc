#include <set>

#include "graph_testing.h"

namespace mica::ir {
namespace {

TEST(Pipeline, EveryNeedIsGivenAndUnbroken) {
  absl::Status status = check_order(pipeline());
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(Pipeline, AWrongOrderIsReported) {
  std::vector<Pass> passes(pipeline().begin(), pipeline().end());
  std::swap(passes.front(), passes.back());
  absl::Status status = check_order(passes);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.message(), "pass fuse-loops needs canonical, legal, clean");
}

TEST(Pipeline, ABrokenInvariantMustBeGivenAgain) {
  Pass breaks{"breaks", canonicalize, kNone, kNone, kCanonical, ""};
  Pass gives{"gives", canonicalize, kNone, kCanonical, kNone, ""};
  Pass needs{"needs", canonicalize, kCanonical, kNone, kNone, ""};
  EXPECT_TRUE(check_order(std::vector<Pass>{gives, needs}).ok());
  EXPECT_FALSE(check_order(std::vector<Pass>{gives, breaks, needs}).ok());
  EXPECT_TRUE(check_order(std::vector<Pass>{gives, breaks, gives, needs}).ok());
}

TEST(Pipeline, EndsWithEverythingGiven) {
  Invariants held = kNone;
  for (const Pass& pass : pipeline()) held = (held & ~pass.breaks) | pass.gives;
  EXPECT_TRUE(held & kFused);
  EXPECT_TRUE(held & kLegal);
  EXPECT_TRUE(held & kDifferentiated);
}

TEST(Pipeline, EveryPassSaysWhyItStandsThere) {
  for (const Pass& pass : pipeline()) {
    EXPECT_FALSE(pass.why.empty()) << pass.name;
    EXPECT_EQ(find_pass(pass.name)->run, pass.run);
  }
  EXPECT_EQ(find_pass("no-such-pass"), nullptr);
}

TEST(Pipeline, ATrainingStepKeepsItsValues) {
  auto graph = parsed(R"(graph @step(%x: f32[N,4], %t: f32[N,2]) {
  %w = variable "dense/kernel" : f32[4,2]
  %b = variable "dense/bias" : f32[2]
  %0 = matmul(%x, %w) : f32[N,2]
  %1 = add(%0, %b) : f32[N,2]
  %2 = subtract(%1, %t) : f32[N,2]
  %3 = multiply(%2, %2) : f32[N,2]
  %4 = reduce_sum(%3) {axes=[], keepdims=false} : f32[]
  %5:2 = gradient(%4, %w, %b) : f32[4,2], f32[2]
  %6 = constant() {value=0.1, dtype=f32, shape=[]} : f32[]
  %7 = multiply(%5#0, %6) : f32[4,2]
  %8 = subtract(%w, %7) : f32[4,2]
  %9 = multiply(%5#1, %6) : f32[2]
  %10 = subtract(%b, %9) : f32[2]
  return %4 as "loss"
  update %w = %8
  update %b = %10
})");
  auto expanded = graph->clone();
  run_named(*expanded, {"autodiff"});
  auto want = reference_values(*expanded);
  absl::Status status = run_passes(*graph, pipeline(), {});
  ASSERT_TRUE(status.ok()) << status.message();
  expect_equal_values(reference_values(*graph), want);
}

}  // namespace
}  // namespace mica::ir
