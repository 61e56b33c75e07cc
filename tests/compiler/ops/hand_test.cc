// Operations that no fixture of Keras or PyTorch shows: values computed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "compiler/ops/builder.h"
#include "compiler/passes/autodiff.h"
#include "compiler/reference.h"

namespace mica::ir {
namespace {

using testing::ElementsAre;

// The only result of an operation on vectors of one dtype.
std::vector<double> run(std::string_view name, DType dtype, const std::vector<std::vector<double>>& operands,
                        const Attrs& attrs = {}) {
  Graph graph;
  Values values;
  std::vector<RefTensor> inputs;
  for (const std::vector<double>& data : operands) {
    RefTensor tensor{dtype, {static_cast<std::int64_t>(data.size())}, data};
    values.push_back(graph.input({dtype, {Dim(tensor.dims[0])}}, "x" + std::to_string(values.size())));
    inputs.push_back(tensor);
  }
  graph.add_output(graph.add(name, values, attrs), "y");
  absl::StatusOr<std::vector<RefTensor>> results = evaluate(graph, inputs);
  EXPECT_TRUE(results.ok()) << results.status();
  return results->front().data;
}

TEST(Bits, AreTwosComplementOfTheirWidth) {
  EXPECT_THAT(run("bitwise_and", kInt32, {{12, -1}, {10, 7}}), ElementsAre(8, 7));
  EXPECT_THAT(run("bitwise_or", kInt32, {{12, -8}, {10, 3}}), ElementsAre(14, -5));
  EXPECT_THAT(run("bitwise_xor", kInt32, {{12, -1}, {10, 1}}), ElementsAre(6, -2));
  EXPECT_THAT(run("bitwise_not", kInt32, {{0, 5}}), ElementsAre(-1, -6));
  EXPECT_THAT(run("bitwise_not", kUInt8, {{0, 5}}), ElementsAre(255, 250));
  EXPECT_THAT(run("left_shift", kUInt8, {{3, 255}, {2, 1}}), ElementsAre(12, 254));
  EXPECT_THAT(run("right_shift", kInt32, {{-8, 9}, {1, 2}}), ElementsAre(-4, 2));
}

TEST(Integers, DivideTowardMinusInfinity) {
  EXPECT_THAT(run("floor_divide", kInt32, {{7, -7, 7, 5}, {2, 2, -2, 0}}), ElementsAre(3, -4, -4, 0));
  EXPECT_THAT(run("mod", kInt32, {{7, -7, 7}, {3, 3, -3}}), ElementsAre(1, 2, -2));
  EXPECT_THAT(run("add", kUInt8, {{250}, {10}}), ElementsAre(4));
}

TEST(Cast, TruncatesAndSaturates) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(run("cast", kFloat32, {{2.9, -2.9, nan, infinity, -1e20}}, {{"dtype", kInt32}}),
              ElementsAre(2, -2, 0, 2147483647, -2147483648.0));
  EXPECT_THAT(run("cast", kFloat32, {{300, -5}}, {{"dtype", kUInt8}}), ElementsAre(255, 0));
  EXPECT_THAT(run("cast", kInt32, {{300, -1}}, {{"dtype", kUInt8}}), ElementsAre(44, 255));
  EXPECT_THAT(run("cast", kFloat32, {{0, 0.5}}, {{"dtype", kBool}}), ElementsAre(0, 1));
}

TEST(Recurrence, MultipliesWhatCameBeforeAndAdds) {
  EXPECT_THAT(run("linear_recurrence", kFloat64, {{5, 2, 0, -1}, {1, 3, 4, 2}}), ElementsAre(1, 5, 4, -2));
  EXPECT_THAT(run("linear_recurrence", kFloat64, {{5, 2, 0, -1}, {1, 3, 4, 2}}, {{"reverse", true}}),
              ElementsAre(56, 11, 4, 2));
}

// Means from 0 at rates 1/2 and 1/4, a step of 3, the root of the second halved, epsilon 1/2.
TEST(AdamUpdate, DividesOneMeanByTheRootOfTheOther) {
  const auto vector = [](double a, double b) { return RefTensor{kFloat64, {2}, {a, b}}; };
  std::vector<RefTensor> operands = {vector(10, 20), vector(2, -4), vector(0, 0), vector(0, 0)};
  for (double number : {0.5, 0.75, 0.25, 3.0, 2.0, 0.5}) operands.push_back({kFloat64, {}, {number}});
  const auto update = [&] {
    std::vector<const RefTensor*> given;
    for (const RefTensor& operand : operands) given.push_back(&operand);
    const absl::StatusOr<std::vector<RefTensor>> results = evaluate_op(op("adam_update"), {}, given);
    EXPECT_TRUE(results.ok()) << results.status();
    std::vector<std::vector<double>> data;
    for (const RefTensor& result : *results) data.push_back(result.data);
    return data;
  };
  EXPECT_THAT(update(), ElementsAre(ElementsAre(7, 24), ElementsAre(1, -2), ElementsAre(1, 4)));
  operands.push_back(vector(9, 1));
  EXPECT_THAT(update(), ElementsAre(ElementsAre(8.5, 24), ElementsAre(1, -2), ElementsAre(1, 4), ElementsAre(9, 4)));
}

// The gradient of sum((i + 1) y_i) at elements that other products depend on: one zero, and two.
TEST(Cumprod, HasAGradientAtZeros) {
  for (const auto& [x, want] : {std::pair<std::vector<double>, std::vector<double>>{{2, 0, 3, 4}, {1, 118, 0, 0}},
                                {{2, 0, 3, 0, 5}, {1, 22, 0, 0, 0}},
                                {{0, 1.5, -2}, {-5, 0, 0}}}) {
    Graph graph;
    Builder b(graph);
    const auto n = static_cast<std::int64_t>(x.size());
    Value input = graph.input({kFloat64, {Dim(n)}}, "x"), y = b.call("cumprod", {input});
    Value seed = b.call("iota", {}, {{"shape", Dims{Dim(n)}}, {"dtype", kFloat64}}) + 1.0;
    graph.add_output((*differentiate(b, {y}, {seed}, {input}))[0], "dx");
    std::vector<RefTensor> inputs = {{kFloat64, {n}, x}};
    auto results = evaluate(graph, inputs);
    ASSERT_TRUE(results.ok()) << results.status();
    EXPECT_THAT(results->front().data, testing::ElementsAreArray(want));
  }
}

TEST(Sources, CountAndFill) {
  EXPECT_THAT(run("constant", kFloat32, {}, {{"value", 1.5}, {"shape", Dims{2}}}), ElementsAre(1.5, 1.5));
  EXPECT_THAT(run("iota", kFloat32, {}, {{"shape", Dims{2, 3}}, {"axis", std::int64_t{1}}}),
              ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(run("dim", kFloat32, {}, {{"dim", Dims{6}}}), ElementsAre(6));
}

// The published answer for counter 0 and key 0 (Random123, kat_vectors).
TEST(RandomBits, ArePhilox) {
  EXPECT_EQ(run("random_bits", kInt64, {{0, 0}}, {{"shape", Dims{1}}}).front(), 0x6627e8d5u);
}

TEST(RandomUniform, KeepsTheUpperBits) {
  EXPECT_EQ(run("random_uniform", kInt64, {{0, 0}}, {{"shape", Dims{1}}}).front(), 0x6627e8 * 0x1p-24);
}

TEST(Dropout, KeepsTheMeanAndZeroesItsRate) {
  Graph graph;
  Value x = graph.input({kFloat32, {Dim(20000)}}, "x"), state = graph.input({kInt64, {Dim(2)}}, "state");
  graph.add_output(graph.add("dropout", {x, state}, {{"rate", 0.25}}), "y");
  std::vector<RefTensor> inputs = {{kFloat32, {20000}, std::vector<double>(20000, 3.0)}, {kInt64, {2}, {5, 1}}};
  auto results = evaluate(graph, inputs);
  ASSERT_TRUE(results.ok()) << results.status();
  int zeros = 0;
  for (double y : results->front().data) {
    zeros += y == 0;
    EXPECT_TRUE(y == 0 || y == 4) << y;  // 3 / (1 - 0.25)
  }
  EXPECT_NEAR(zeros, 5000, 250);  // four standard deviations
}

// h' = h * w + x over three steps: 1, 2*1+2, 2*4+3.
constexpr const char* kRecurrence = R"(graph @g(%h: f64[1], %x: f64[3,1], %w: f64[1]) {
  %0:2 = scan(%h, %x, %w) {num_states=1, num_xs=1, reverse=false} : f64[1], f64[3,1]
    body @step(%s: f64[1], %xt: f64[1], %k: f64[1]) {
      %0 = multiply(%s, %k) : f64[1]
      %1 = add(%0, %xt) : f64[1]
      return %1 as "state"
      return %1 as "y"
    }
  return %0#0 as "last"
  return %0#1 as "all"
})";

TEST(Scan, CarriesStatesAndStacksResults) {
  auto graph = parse_graph(kRecurrence);
  if (!graph.ok()) GTEST_FAIL() << graph.status();
  std::vector<RefTensor> inputs = {{kFloat64, {1}, {0}}, {kFloat64, {3, 1}, {1, 2, 3}}, {kFloat64, {1}, {2}}};
  auto results = evaluate(**graph, inputs);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].data, ElementsAre(11));
  EXPECT_THAT((*results)[1].data, ElementsAre(1, 4, 11));
}

// last = x1 w^2 + x2 w + x3 + h w^3: d/dh = w^3, d/dx = (w^2, w, 1), d/dw = 2 x1 w + x2 at h = 0.
TEST(Scan, GradientIsAReverseScan) {
  auto graph = parse_graph(kRecurrence);
  if (!graph.ok()) GTEST_FAIL() << graph.status();
  Builder b(**graph);
  Values xs;
  for (Node* input : (*graph)->inputs()) xs.push_back(input->result());
  Value last = (*graph)->outputs()[0].value;
  absl::StatusOr<Values> gradients = differentiate(b, {last}, {b.full_like(1, last)}, xs);
  ASSERT_TRUE(gradients.ok()) << gradients.status();
  (*graph)->mutable_outputs().clear();
  for (std::size_t i = 0; i < xs.size(); ++i) (*graph)->add_output((*gradients)[i], "g" + std::to_string(i));
  (*graph)->sort_and_sweep();
  std::vector<RefTensor> inputs = {{kFloat64, {1}, {0}}, {kFloat64, {3, 1}, {1, 2, 3}}, {kFloat64, {1}, {2}}};
  auto results = evaluate(**graph, inputs);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].data, ElementsAre(8));
  EXPECT_THAT((*results)[1].data, ElementsAre(4, 2, 1));
  EXPECT_THAT((*results)[2].data, ElementsAre(6));
}

}  // namespace
}  // namespace mica::ir
