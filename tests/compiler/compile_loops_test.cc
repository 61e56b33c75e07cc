// Scans that no template takes: loops of steps, against the double reference.
#include <random>

#include "absl/strings/str_cat.h"
#include "compile_testing.h"
#include "compiler/ops/builder.h"
#include "runtime/error.h"

namespace mica::compiler {
namespace {

using ir::Builder;
using ir::Dim;
using ir::parsed;
using ir::Value;
using ir::Values;

program::Plan planned(const ir::Graph& graph) { return plan_of(*optimized(graph)); }

int count_loops(const ir::Graph& graph) { return static_cast<int>(planned(graph).loops.size()); }

// A convolutional recurrent cell: one convolution of the state in each step, gates, two states.
std::string conv_lstm(std::string_view rest) {
  return absl::StrCat(R"(graph @conv_lstm(%x: f32[T,N,5,4,8], %h0: f32[N,5,4,2], %c0: f32[N,5,4,2]) {
  %u = variable "u" : f32[3,3,2,8]
  %b = variable "b" : f32[8]
  %0:3 = scan(%h0, %c0, %x, %u, %b) {num_states=2, num_xs=1} : f32[N,5,4,2], f32[N,5,4,2], f32[T,N,5,4,2]
    body @cell(%h: f32[N,5,4,2], %c: f32[N,5,4,2], %x: f32[N,5,4,8], %u: f32[3,3,2,8], %b: f32[8]) {
      %0 = conv(%h, %u) {pad_low=[1,1], pad_high=[1,1]} : f32[N,5,4,8]
      %1 = add(%0, %b) : f32[N,5,4,8]
      %2 = add(%1, %x) : f32[N,5,4,8]
      %3 = slice(%2) {axis=3, start=[0], stop=[2], step=1} : f32[N,5,4,2]
      %4 = slice(%2) {axis=3, start=[2], stop=[4], step=1} : f32[N,5,4,2]
      %5 = slice(%2) {axis=3, start=[4], stop=[6], step=1} : f32[N,5,4,2]
      %6 = slice(%2) {axis=3, start=[6], stop=[8], step=1} : f32[N,5,4,2]
      %7 = sigmoid(%3) : f32[N,5,4,2]
      %8 = sigmoid(%4) : f32[N,5,4,2]
      %9 = tanh(%5) : f32[N,5,4,2]
      %10 = multiply(%8, %c) : f32[N,5,4,2]
      %11 = multiply(%7, %9) : f32[N,5,4,2]
      %12 = add(%10, %11) : f32[N,5,4,2]
      %13 = tanh(%12) : f32[N,5,4,2]
      %14 = sigmoid(%6) : f32[N,5,4,2]
      %15 = multiply(%14, %13) : f32[N,5,4,2]
      return %15 as "h"
      return %12 as "c"
      return %15 as "y"
    }
)",
                      std::string(rest));
}

TEST(Loops, AConvolutionalCellIsALoopOfLibraryCalls) {
  auto graph = parsed(conv_lstm("  return %0#0 as \"h\"\n  return %0#1 as \"c\"\n  return %0#2 as \"ys\"\n}"));
  expect_compiles_to_reference(*graph);
  program::Plan plan = planned(*graph);
  ASSERT_EQ(plan.run.size(), 1u) << program::print(plan);
  ASSERT_EQ(plan.run[0].kind, MICA_LOOP);
  const program::PlanLoop& loop = plan.loops[0];
  ASSERT_EQ(loop.steps.size(), 3u) << program::print(plan);
  EXPECT_EQ(loop.steps[0].kind, MICA_LIBRARY);
  EXPECT_EQ(loop.steps[1].kind, MICA_KERNEL);
  EXPECT_EQ(loop.steps[2].kind, MICA_COPY);  // the state is also what the step hands out
  EXPECT_EQ(plan.init.size(), 1u) << "the kernel of the convolution is packed once, before the loop";
}

TEST(Loops, GradientsOfAConvolutionalCell) {
  auto graph = parsed(conv_lstm(R"(  %1 = multiply(%0#2, %0#2) : f32[T,N,5,4,2]
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3:4 = gradient(%2, %x, %h0, %u, %b) : f32[T,N,5,4,8], f32[N,5,4,2], f32[3,3,2,8], f32[8]
  return %3#0 as "dx"
  return %3#1 as "dh"
  return %3#2 as "du"
  return %3#3 as "db"
})"));
  EXPECT_EQ(count_loops(*graph), 2);
  expect_compiles_to_reference(*graph, 1e-4);
}

TEST(Loops, TheDumpShowsWhatMovesAndTheStepsOfAnIteration) {
  auto graph = parsed(conv_lstm("  return %0#2 as \"ys\"\n}"));
  std::string text = program::print(planned(*graph));
  EXPECT_THAT(text, testing::HasSubstr("loop T times"));
  EXPECT_THAT(text, testing::ContainsRegex("state +buffer [0-9]+ becomes [0-9]+, from [0-9]+ to [0-9]+, spare [0-9]+"));
  EXPECT_THAT(text, testing::ContainsRegex("row +buffer [0-9]+ of [0-9]+"));
  EXPECT_THAT(text, testing::ContainsRegex("step 0 +onednn.conv"));
}

// Rows of the batch are mixed, values of different steps are swapped, one state is handed on as it is, and an x is a y.
constexpr const char* kOddBody = R"(graph @odd(%x: f32[T,N,4], %a0: f32[N,4], %b0: f32[N,4], %k: f32[4]) {
  %0:6 = scan(%a0, %b0, %k, %x) {num_states=3, num_xs=1, reverse=REVERSE} : f32[N,4], f32[N,4], f32[4], f32[T,N,4], f32[T,N,4], f32[T,4]
    body @step(%a: f32[N,4], %b: f32[N,4], %k: f32[4], %x: f32[N,4]) {
      %0 = reduce_mean(%x) {axes=[0], keepdims=false} : f32[4]
      %1 = add(%a, %0) : f32[N,4]
      %2 = tanh(%1) : f32[N,4]
      return %b as "a"
      return %2 as "b"
      return %k as "k"
      return %x as "x"
      return %2 as "y"
      return %k as "again"
    }
  return %0#0 as "a"
  return %0#1 as "b"
  return %0#2 as "k"
  return %0#3 as "xs"
  return %0#4 as "ys"
  return %0#5 as "ks"
})";

std::string odd_body(bool reverse) {
  std::string text = kOddBody;
  return text.replace(text.find("REVERSE"), 7, reverse ? "true" : "false");
}

ir::RefTensor tensor_of(const ir::Node& input, std::int64_t steps, std::int64_t rows, std::mt19937& random) {
  ir::TensorType type = input.result_types()[0];
  for (Dim& dim : type.dims) {
    dim = dim.evaluate([&](const ir::Symbol& symbol) { return symbol.name == "T" ? steps : rows; });
  }
  return ir::random_tensor(type, random);
}

TEST(Loops, AnyNumberOfStepsAndRowsFromOneCompilation) {
  for (bool reverse : {false, true}) {
    auto graph = parsed(odd_body(reverse));
    auto model = compile(*graph);
    ASSERT_EQ(count_loops(*graph), 1);
    for (auto [steps, rows] : {std::pair(0, 2), std::pair(1, 3), std::pair(2, 1), std::pair(5, 2), std::pair(4, 33)}) {
      SCOPED_TRACE(absl::StrCat(steps, " steps of ", rows, " rows", reverse ? ", reverse" : ""));
      std::mt19937 random(1);
      std::vector<ir::RefTensor> inputs;
      for (const ir::Node* input : graph->inputs()) inputs.push_back(tensor_of(*input, steps, rows, random));
      inputs = rounded(std::move(inputs));
      auto want = ir::evaluate(*graph, inputs, {});
      ASSERT_TRUE(want.ok()) << want.status().message();
      std::vector<rt::Array> arrays;
      for (const ir::RefTensor& input : inputs) arrays.push_back(to_array(input));
      expect_near(model->program().run(arrays, {}).results, *want, 1e-5);
    }
  }
}

TEST(Loops, ALoopInALoop) {
  auto graph = parsed(R"(graph @nested(%x: f32[T,N,3,4], %h0: f32[N,4], %w: f32[4,4]) {
  %0:2 = scan(%h0, %x, %w) {num_states=1, num_xs=1} : f32[N,4], f32[T,N,4]
    body @outer(%h: f32[N,4], %x: f32[N,3,4], %w: f32[4,4]) {
      %0 = transpose(%x) {permutation=[1,0,2]} : f32[3,N,4]
      %1:2 = scan(%h, %0, %w) {num_states=1, num_xs=1, reverse=true} : f32[N,4], f32[3,N,4]
        body @inner(%h: f32[N,4], %x: f32[N,4], %w: f32[4,4]) {
          %0 = softmax(%h) {axis=0} : f32[N,4]
          %1 = matmul(%0, %w) : f32[N,4]
          %2 = add(%1, %x) : f32[N,4]
          return %2 as "h"
          return %0 as "y"
        }
      %2 = reduce_sum(%1#1) {axes=[0], keepdims=false} : f32[N,4]
      %3 = add(%1#0, %2) : f32[N,4]
      %4 = tanh(%3) : f32[N,4]
      return %4 as "h"
      return %1#0 as "y"
    }
  %1 = multiply(%0#1, %0#1) : f32[T,N,4]
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3:3 = gradient(%2, %x, %h0, %w) : f32[T,N,3,4], f32[N,4], f32[4,4]
  return %0#0 as "h"
  return %0#1 as "ys"
  return %3#0 as "dx"
  return %3#1 as "dh"
  return %3#2 as "dw"
})");
  EXPECT_EQ(count_loops(*graph), 5);  // in the reverse loop the inner one runs once more, to save its states
  expect_compiles_to_reference(*graph, 1e-4);
}

TEST(Loops, WhatIsTheSameInEveryStepIsComputedOnce) {
  auto graph = parsed(R"(graph @invariant(%x: f32[T,N,4], %h0: f32[N,4], %w: f32[4,4]) {
  %0:2 = scan(%h0, %x, %w) {num_states=1, num_xs=1} : f32[N,4], f32[T,N,4]
    body @step(%h: f32[N,4], %x: f32[N,4], %w: f32[4,4]) {
      %0 = matmul(%w, %w) : f32[4,4]
      %1 = matmul(%x, %0) : f32[N,4]
      %2 = reduce_mean(%1) {axes=[0], keepdims=true} : f32[1,4]
      %3 = add(%h, %2) : f32[N,4]
      %4 = tanh(%3) : f32[N,4]
      return %4 as "h"
      return %4 as "y"
    }
  return %0#1 as "ys"
})");
  expect_compiles_to_reference(*graph);
  program::Plan plan = planned(*graph);
  ASSERT_EQ(plan.run.size(), 2u) << program::print(plan);
  EXPECT_EQ(plan.run[0].kind, MICA_LIBRARY) << program::print(plan);
  EXPECT_EQ(plan.run[1].kind, MICA_LOOP) << program::print(plan);
}

TEST(Loops, AStateWithoutAxesAndALoopWithoutStates) {
  expect_compiles_to_reference(*parsed(R"(graph @scalars(%x: f32[T,4], %s: f32[], %w: f32[4,2]) {
  %0:2 = scan(%s, %x) {num_states=1, num_xs=1} : f32[], f32[T]
    body @norm(%s: f32[], %x: f32[4]) {
      %0 = multiply(%x, %x) : f32[4]
      %1 = reduce_sum(%0) {axes=[], keepdims=false} : f32[]
      %2 = add(%s, %1) : f32[]
      return %2 as "s"
      return %1 as "y"
    }
  %1 = scan(%x, %w) {num_states=0, num_xs=1} : f32[T,1,2]
    body @map(%x: f32[4], %w: f32[4,2]) {
      %0 = softmax(%x) : f32[4]
      %1 = reshape(%0) {shape=[1,4]} : f32[1,4]
      %2 = matmul(%1, %w) : f32[1,2]
      return %2 as "y"
    }
  return %0#0 as "sum"
  return %0#1 as "norms"
  return %1 as "rows"
})"));
}

TEST(Loops, AFailureInABodyNamesItsLayer) {
  auto graph = parsed(R"(graph @pick(%i: i32[T,3], %table: f32[5,2]) {
  %0 = scan(%i, %table) {num_states=0, num_xs=1} : f32[T,3,2]  # reader
    body @pick(%i: i32[3], %table: f32[5,2]) {
      %0 = gather(%table, %i) {axis=0} : f32[3,2]  # reader/embedding
      return %0 as "y"
    }
  return %0 as "rows"
})");
  rt::Array indices = rt::Array::uninitialized(kInt32, {2, 3}), table = rt::Array::uninitialized(kFloat32, {5, 2});
  for (std::int64_t i = 0; i < 6; ++i) indices.set(i, i == 4 ? 17 : 1);
  for (std::int64_t i = 0; i < 10; ++i) table.set(i, 0.5);
  try {
    compile(*graph)->program().run(std::vector{indices, table}, {});
    FAIL() << "index 17 of 5 rows was taken";
  } catch (const mica::Error& error) {
    EXPECT_STREQ(error.what(),
                 "reader/embedding: expected indices from 0 to 4, received 17 at position 1. The operation is gather.");
  }
}

// Bodies of random operations over two states, an x and two captured matrices.
class BodyGrower {
 public:
  explicit BodyGrower(unsigned seed) : random_(seed), graph_(std::make_unique<ir::Graph>("random")), b_(*graph_) {}

  std::unique_ptr<ir::Graph> grow() {
    Dim n = Dim::symbol("N"), t = Dim::symbol("T");
    Value x = graph_->input({kFloat32, {t, n, 6}}, "x"), h = graph_->input({kFloat32, {n, 6}}, "h"),
          s = graph_->input({kFloat32, {n, 4, 6}}, "s"), v = graph_->variable({kFloat32, {6}}, "v"),
          w = graph_->variable({kFloat32, {6, 6}}, "w");
    std::vector<std::unique_ptr<ir::Graph>> bodies;
    bodies.push_back(body(n));
    ir::Attrs attrs{{"num_states", std::int64_t{2}}, {"num_xs", std::int64_t{1}}, {"reverse", pick(2) == 0}};
    ir::Node* scan = graph_->add(ir::op("scan"), {h, s, x, v, w}, attrs, std::move(bodies));
    graph_->add_output(scan->result(0), "h");
    graph_->add_output(scan->result(1), "s");
    graph_->add_output(scan->result(2), "ys");
    Value loss = b_.sum(scan->result(2) * scan->result(2)) + b_.sum(scan->result(0));
    Values gradients = b_.call_all("gradient", {loss, x, h, s, v, w});
    for (std::size_t i = 0; i < gradients.size(); ++i) graph_->add_output(gradients[i], absl::StrCat("d", i));
    return std::move(graph_);
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  Value any(const Values& values) { return values[static_cast<std::size_t>(pick(static_cast<int>(values.size())))]; }

  std::unique_ptr<ir::Graph> body(const Dim& n) {
    auto body = std::make_unique<ir::Graph>("body");
    Values values{body->input({kFloat32, {n, 6}}, "h"), body->input({kFloat32, {n, 4, 6}}, "s"),
                  body->input({kFloat32, {n, 6}}, "x"), body->input({kFloat32, {6}}, "v"),
                  body->input({kFloat32, {6, 6}}, "w")};
    Builder b(*body);
    Value w = values.back();
    for (int i = 0; i < 6; ++i) {
      if (Value next = step(b, values, w)) values.push_back(next);
    }
    Value last = values.back();
    Value level = b.tanh(b.mean(last));
    body->add_output(b.tanh(values[0] + level), "h");
    body->add_output(b.tanh(b.call("multiply", {values[1], b.reshape(values[2], {n, 1, 6})}) + level), "s");
    body->add_output(last, "y");
    body->sort_and_sweep();
    return body;
  }

  Value step(Builder& b, const Values& values, Value w) {
    Value x = any(values), y = any(values);
    switch (pick(8)) {
      case 0:
        return b.call("softmax", {x}, {{"axis", std::int64_t{0}}});
      case 1:
        return x.rank() >= 2 && x.dims().back().is(6) ? b.tanh(b.matmul(x, w)) : Value{};
      case 2:
        return x.rank() == 2 ? b.tanh(b.matmul(b.transpose(x, {1, 0}), x)) : Value{};
      case 3:
        return b.tanh(b.call("cumsum", {x}, {{"axis", std::int64_t{0}}}));
      case 4:
        return b.tanh(b.sum(x, {pick(x.rank())}, true));
      case 5:
        return b.call("logsumexp", {x}, {{"axes", ir::Ints{x.rank() - 1}}, {"keepdims", true}});
      default:
        return ir::broadcast(x.dims(), y.dims()).ok() ? b.tanh(x + y * 0.5) : b.sigmoid(x);
    }
  }

  std::mt19937 random_;
  std::unique_ptr<ir::Graph> graph_;
  Builder b_;
};

class RandomBody : public testing::TestWithParam<unsigned> {};

TEST_P(RandomBody, CompiledEqualsInterpreted) {
  for (unsigned round = 0; round < 3; ++round) {
    auto graph = BodyGrower(GetParam() * 100 + round).grow();
    SCOPED_TRACE(ir::print(*graph));
    expect_compiles_to_reference(*graph, 1e-4);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomBody, testing::Range(1u, 9u));

}  // namespace
}  // namespace mica::compiler
