// Sizes that are open until arrays are bound: too small ones are errors, the same from compiled code as from the
// reference, before anything is read beside an array.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/reference.h"
#include "tests/compiler/compile_testing.h"
#include "tests/support/error_of.h"

namespace mica::compiler {
namespace {

struct Case {
  const char* name;
  const char* text;
  std::vector<std::vector<std::int64_t>> dims;  // of operands, zeros in all
  std::string error;                            // "": none
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Bounds : public ::testing::TestWithParam<Case> {};

TEST_P(Bounds, CompiledCodeAndTheReferenceSayTheSame) {
  const auto graph = ir::parsed(GetParam().text);
  std::vector<ir::RefTensor> operands;
  std::vector<rt::Array> inputs;
  for (std::size_t i = 0; i < GetParam().dims.size(); ++i) {
    operands.push_back({graph->inputs()[i]->result_types()[0].dtype, GetParam().dims[i], {}});
    operands.back().data.resize(static_cast<std::size_t>(operands.back().numel()));
    inputs.push_back(to_array(operands.back()));
  }
  const auto values = ir::evaluate(*graph, operands);
  EXPECT_EQ(values.ok() ? "" : std::string(values.status().message()) + ".", GetParam().error);
  const auto model = compile(*graph);
  std::vector<rt::VariableValue> variables;
  rt::RunResult result;
  const std::string error = error_of([&] { result = model->program().run(inputs, variables); });
  if (values.ok()) {
    expect_near(result.results, *values, 0);
  } else {
    EXPECT_EQ(error, GetParam().error);
  }
}

constexpr const char* kThird = R"(graph @third(%x: f32[N,T,4]) {
  %0 = slice(%x) {axis=1, start=[2], stop=[3], step=1} : f32[N,1,4]   # head
  %1 = relu(%0) : f32[N,1,4]
  return %1 as "y"
})";
constexpr const char* kLastThree = R"(graph @last(%x: f32[N,T]) {
  %0 = slice(%x) {axis=1, start=[T-3], stop=[T], step=1} : f32[N,3]
  return %0 as "y"
})";
constexpr const char* kNothing = R"(graph @nothing(%x: f32[N,T]) {
  %0 = slice(%x) {axis=1, start=[5], stop=[3], step=1} : f32[N,0]
  return %0 as "y"
})";
constexpr const char* kReversed = R"(graph @reversed(%x: f32[N,T]) {
  %0 = slice(%x) {axis=1, start=[T-1], stop=[-1], step=-1} : f32[N,T]
  return %0 as "y"
})";
constexpr const char* kEverySecond = R"(graph @second(%x: f32[T]) {
  %0 = slice(%x) {axis=0, start=[0], stop=[T], step=2} : f32[((T+1)/2)]
  return %0 as "y"
})";
constexpr const char* kGather = R"(graph @rows(%x: f32[N,4], %i: i32[M]) {
  %0 = gather(%x, %i) {axis=0} : f32[M,4]
  return %0 as "y"
})";
constexpr const char* kScatter = R"(graph @add(%x: f32[N,4], %i: i32[M], %g: f32[M,4]) {
  %0 = scatter_add(%x, %i, %g) {axis=0} : f32[N,4]
  return %0 as "y"
})";
constexpr const char* kResize = R"(graph @larger(%x: f32[1,H,4,3]) {
  %0 = resize(%x) {size=[5,6]} : f32[1,5,6,3]   # up
  return %0 as "y"
})";
constexpr const char* kTopK = R"(graph @best(%x: f32[N,T]) {
  %0:2 = top_k(%x) {k=3} : f32[N,3], i32[N,3]   # best
  return %0#0 as "y"
})";
constexpr const char* kLargest = R"(graph @largest(%x: f32[N,T]) {
  %0 = reduce_max(%x) {axes=[1]} : f32[N]
  return %0 as "y"
})";
constexpr const char* kSmallestOfAll = R"(graph @smallest(%x: i32[N,T]) {
  %0 = reduce_min(%x) : i32[]
  return %0 as "y"
})";
constexpr const char* kWhere = R"(graph @where(%x: f32[N,T]) {
  %0 = argmax(%x) {axis=0} : i32[T]   # label
  return %0 as "y"
})";
constexpr const char* kWhereLeast = R"(graph @where(%x: f32[N,T]) {
  %0 = argmin(%x) {axis=-1, keepdims=true} : i32[N,1]
  return %0 as "y"
})";
constexpr const char* kStable = R"(graph @stable(%x: f32[N,T]) {
  %0 = softmax(%x) {axis=1} : f32[N,T]
  %1 = log_softmax(%x) {axis=1} : f32[N,T]
  %2 = logsumexp(%x) {axes=[1]} : f32[N]
  return %0 as "y"
  return %1 as "z"
  return %2 as "s"
})";
constexpr const char* kSorted = R"(graph @sorted(%x: f32[N,T]) {
  %0 = sort(%x) {axis=1} : f32[N,T]
  %1 = argsort(%x) {axis=0} : i32[N,T]
  return %0 as "y"
  return %1 as "at"
})";
constexpr const char* kTallQr = R"(graph @basis(%x: f32[N,3]) {
  %0:2 = qr(%x) : f32[N,3], f32[3,3]   # basis
  return %0#0 as "q"
})";
constexpr const char* kWideSvd = R"(graph @values(%x: f32[2,T]) {
  %0:3 = svd(%x) {full_matrices=false} : f32[2,2], f32[2], f32[2,T]
  return %0#1 as "s"
})";
constexpr const char* kRequire = R"(graph @pair(%x: f32[N]) {
  %0 = require(%x) {slack=[N-2], expected="two rows", received=[N]} : f32[N]   # pair
  %1 = relu(%0) : f32[N]
  return %1 as "y"
})";

INSTANTIATE_TEST_SUITE_P(
    Operations, Bounds,
    ::testing::Values(
        Case{"slice", kThird, {{3, 3, 4}}, ""},
        Case{"slice_too_short", kThird, {{3, 1, 4}}, "head: expected at least 3 elements on axis 1, received 1."},
        Case{"slice_from_the_end", kLastThree, {{2, 3}}, ""},
        Case{"slice_from_the_end_too_short",
             kLastThree,
             {{2, 2}},
             "slice: expected at least 3 elements on axis 1, received 2."},
        Case{"slice_of_nothing", kNothing, {{2, 4}}, ""}, Case{"reversed", kReversed, {{2, 5}}, ""},
        Case{"reversed_empty", kReversed, {{2, 0}}, ""}, Case{"every_second_odd", kEverySecond, {{5}}, ""},
        Case{"every_second_even", kEverySecond, {{4}}, ""}, Case{"every_second_empty", kEverySecond, {{0}}, ""},
        Case{"gather", kGather, {{1, 4}, {2}}, ""}, Case{"gather_nothing", kGather, {{0, 4}, {0}}, ""},
        Case{"gather_from_nothing",
             kGather,
             {{0, 4}, {2}},
             "gather: expected at least 1 element on axis 0, received 0."},
        Case{"scatter_into_nothing",
             kScatter,
             {{0, 4}, {2}, {2, 4}},
             "scatter_add: expected at least 1 element on axis 0, received 0."},
        Case{"resize", kResize, {{1, 1, 4, 3}}, ""},
        Case{"resize_nothing", kResize, {{1, 0, 4, 3}}, "up: expected at least 1 element on axis 1, received 0."},
        Case{"top_k", kTopK, {{2, 3}}, ""},
        Case{"top_k_of_fewer", kTopK, {{2, 2}}, "best: expected at least 3 elements on axis 1, received 2."},
        Case{"largest", kLargest, {{2, 1}}, ""}, Case{"largest_of_no_rows", kLargest, {{0, 3}}, ""},
        Case{
            "largest_of_nothing", kLargest, {{2, 0}}, "reduce_max: expected at least 1 element on axis 1, received 0."},
        Case{"smallest_of_nothing",
             kSmallestOfAll,
             {{2, 0}},
             "reduce_min: expected at least 1 element on axis 1, received 0."},
        Case{"smallest_of_no_rows",
             kSmallestOfAll,
             {{0, 2}},
             "reduce_min: expected at least 1 element on axis 0, received 0."},
        Case{"where", kWhere, {{1, 3}}, ""}, Case{"where_no_columns", kWhere, {{2, 0}}, ""},
        Case{"where_in_nothing", kWhere, {{0, 3}}, "label: expected at least 1 element on axis 0, received 0."},
        Case{"where_least_in_nothing",
             kWhereLeast,
             {{3, 0}},
             "argmin: expected at least 1 element on axis 1, received 0."},
        Case{"stable_of_nothing", kStable, {{2, 0}}, ""}, Case{"stable_of_no_rows", kStable, {{0, 2}}, ""},
        Case{"sorted_nothing", kSorted, {{2, 0}}, ""}, Case{"sorted_no_rows", kSorted, {{0, 2}}, ""},
        Case{"tall_qr", kTallQr, {{3, 3}}, ""}, Case{"taller_qr", kTallQr, {{5, 3}}, ""},
        Case{"qr_of_few_rows", kTallQr, {{2, 3}}, "basis: expected at least 3 elements on axis 0, received 2."},
        Case{"wide_svd", kWideSvd, {{2, 3}}, ""},
        Case{"svd_of_few_columns", kWideSvd, {{2, 1}}, "svd: expected at least 2 elements on axis 1, received 1."},
        Case{"require", kRequire, {{2}}, ""},
        Case{"require_more", kRequire, {{1}}, "pair: expected two rows, received 1."}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Reference, IndicesOutOfRangeAreErrorsAsInCompiledCode) {
  const auto graph = ir::parsed(kGather);
  const std::vector<ir::RefTensor> operands = {{kFloat32, {3, 4}, std::vector<double>(12)}, {kInt32, {2}, {1, 7}}};
  EXPECT_EQ(ir::evaluate(*graph, operands).status().message(),
            "gather: expected indices from 0 to N-1, received 7 at position 1");
  std::vector<rt::Array> inputs = {to_array(operands[0]), to_array(operands[1])};
  std::vector<rt::VariableValue> variables;
  EXPECT_EQ(error_of([&] { compile(*graph)->program().run(inputs, variables); }),
            "gather: expected indices from 0 to N-1, received 7 at position 1.");
}

}  // namespace
}  // namespace mica::compiler
