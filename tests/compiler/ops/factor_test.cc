// Factors of small matrices, computed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/reference.h"

namespace mica::ir {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// The results of an operation on one matrix.
std::vector<std::vector<double>> factors(std::string_view name, std::int64_t rows, std::int64_t columns,
                                         const std::vector<double>& matrix, const Attrs& attrs = {}) {
  Graph graph;
  Value x = graph.input({kFloat64, {Dim(rows), Dim(columns)}}, "x");
  Node* node = graph.add(op(name), {x}, attrs);
  for (int i = 0; i < node->num_results(); ++i) graph.add_output(node->result(i), std::to_string(i));
  const std::vector<RefTensor> inputs = {{kFloat64, {rows, columns}, matrix}};
  auto results = evaluate(graph, inputs);
  EXPECT_TRUE(results.ok()) << results.status();
  std::vector<std::vector<double>> data;
  for (RefTensor& result : *results) data.push_back(std::move(result.data));
  return data;
}

auto near(const std::vector<double>& values) { return Pointwise(testing::DoubleNear(1e-14), values); }

TEST(Factors, QrReflectsTheFirstColumn) {
  auto f = factors("qr", 2, 2, {3, 1, 4, 2});
  EXPECT_THAT(f[0], near({-0.6, -0.8, -0.8, 0.6}));
  EXPECT_THAT(f[1], near({-5, -2.2, 0, 0.4}));
}

TEST(Factors, QrLeavesATriangleAlone) {
  auto f = factors("qr", 2, 2, {2, 1, 0, -3});
  EXPECT_THAT(f[0], ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(f[1], ElementsAre(2, 1, 0, -3));
}

TEST(Factors, EigenvaluesAscendAndOneTriangleIsRead) {
  const double half = std::sqrt(0.5);
  auto f = factors("eigh", 2, 2, {2, 99, 1, 2});
  EXPECT_THAT(f[0], near({1, 3}));
  for (double& x : f[1]) x = std::fabs(x);
  EXPECT_THAT(f[1], near({half, half, half, half}));
  EXPECT_THAT(factors("eigh", 2, 2, {2, 1, 99, 2}, {{"lower", false}})[0], near({1, 3}));
}

TEST(Factors, SingularValuesDescend) {
  auto f = factors("svd", 2, 3, {0, 3, 0, -4, 0, 0});
  EXPECT_THAT(f[1], near({4, 3}));
  for (double& x : f[0]) x = std::fabs(x);
  EXPECT_THAT(f[0], near({0, 1, 1, 0}));
}

TEST(Factors, ThePseudoinverseOfNothingIsNothing) {
  EXPECT_THAT(factors("pinv", 3, 2, {1, 0, 0, 0, 0, 2})[0], near({1, 0, 0, 0, 0, 0.5}));
}

}  // namespace
}  // namespace mica::ir
