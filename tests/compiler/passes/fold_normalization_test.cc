#include "graph_testing.h"

namespace mica::ir {
namespace {

constexpr const char* kNormalized = R"(graph @g(%x: f32[N,6,6,2]) {
  %k = variable "conv/kernel" : f32[3,3,2,4]
  %b = variable "conv/bias" : f32[4]
  %m = variable "bn/mean" : f32[4]
  %s = variable "bn/deviation" : f32[4]
  %g = variable "bn/gamma" : f32[4]
  %o = variable "bn/beta" : f32[4]
  %v = multiply(%s, %s) : f32[4]
  %0 = conv(%x, %k) : f32[N,4,4,4]
  %1 = add(%0, %b) : f32[N,4,4,4]
  %2 = batch_normalization(%1, %m, %v, %g, %o) : f32[N,4,4,4]
  return %2 as "y")";

// How many normalisations are left; values are the same either way.
int normalizations_left(const std::string& text) {
  auto graph = parsed(text);
  auto want = reference_values(*graph);
  run_named(*graph, {"fold-norm"});
  expect_equal_values(reference_values(*graph), want);
  return count_ops(*graph, "batch_normalization");
}

TEST(FoldNormalization, GoesIntoTheWeightsAndTheBias) {
  EXPECT_EQ(normalizations_left(std::string(kNormalized) + "\n}"), 0);
}

TEST(FoldNormalization, StaysWhereTheWeightsAreTrained) {
  EXPECT_EQ(normalizations_left(std::string(kNormalized) + "\n  %3 = add(%k, %k) : f32[3,3,2,4]\n  update %k = %3\n}"),
            1);
}

TEST(FoldNormalization, StaysWhereTheCallIsTapped) {
  EXPECT_EQ(normalizations_left(std::string(kNormalized) + "\n  tap %0 as \"conv\"\n}"), 1);
}

TEST(FoldNormalization, StaysWhereTheCallHasAnotherUser) {
  EXPECT_EQ(normalizations_left(std::string(kNormalized) + "\n  %3 = exp(%1) : f32[N,4,4,4]\n  return %3 as \"z\"\n}"),
            1);
}

TEST(FoldNormalization, ATransposedProductScalesItsRows) {
  EXPECT_EQ(normalizations_left(R"(graph @g(%x: f32[N,3]) {
  %w = variable "dense/kernel" : f32[4,3]
  %m = variable "bn/mean" : f32[4]
  %s = variable "bn/deviation" : f32[4]
  %v = multiply(%s, %s) : f32[4]
  %0 = matmul(%x, %w) {transpose_b=true} : f32[N,4]
  %1 = batch_normalization(%0, %m, %v) : f32[N,4]
  return %1 as "y"
})"),
            0);
}

}  // namespace
}  // namespace mica::ir
