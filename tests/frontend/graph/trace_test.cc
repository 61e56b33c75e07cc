// Traces: updates of Variables, captured arrays, gradients; and what must not be used in them.
#include "frontend/graph/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/graph/execute.h"
#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

rt::Array array_of(const Tensor& tensor) { return compute(tensor.node()); }
std::vector<float> values_of(const rt::Array& array) { return Tensor::of(make_computed(array)).to_vector(); }

// loss = sum((w x)^2), so d loss / d w = 2 w x^2.
TEST(Trace, AStepUpdatesItsVariables) {
  Variable w(tensor({1.0, 2.0}), "w");
  Trace trace({.name = "step", .training = true});
  Tensor x = trace.input({kFloat32, {ir::Dim(2)}}, "x");
  Tensor loss = (w * x).square().sum();
  Tensor gradient = trace.gradients(loss, {w})[0];
  w.assign(w - gradient * 0.5);
  trace.output(w * 10, "after");  // reading after the assignment sees the new value
  trace.output(loss, "loss");
  Executable step(trace.finish());

  std::vector<rt::Array> results = step.run(std::vector<rt::Array>{array_of(tensor({1.0, 0.5}))});
  EXPECT_THAT(values_of(results[1]), ElementsAre(2));  // 1 + 1
  EXPECT_THAT(w.to_vector(), ElementsAre(0, 1.5));     // 1 - 1, 2 - 0.5
  EXPECT_THAT(values_of(results[0]), ElementsAre(0, 15));
  step.run(std::vector<rt::Array>{array_of(tensor({1.0, 1.0}))});
  EXPECT_THAT(w.to_vector(), ElementsAre(0, 0));
}

TEST(Trace, ASnapshotKeepsWhatTheVariableHeld) {
  Variable w(tensor({1.0f}), "w");
  Tensor before = w * 3;
  Trace trace;
  w.assign(w + 1);
  Executable step(trace.finish());
  step.run({});
  EXPECT_THAT(before.to_vector(), ElementsAre(3));
  EXPECT_THAT(w.to_vector(), ElementsAre(2));
}

TEST(Trace, ArraysAreOperandsAndNumbersConstants) {
  Tensor table = tensor({1.0, 2.0, 3.0});
  Trace trace;
  Tensor x = trace.input({kFloat32, {ir::Dim(3)}}, "x");
  trace.output(x * table + table * 2 + 1, "y");
  TracedGraph traced = trace.finish();
  EXPECT_EQ(traced.graph->inputs().size(), 3u);  // x, the table, and what was computed from it outside
  Executable program(std::move(traced));
  EXPECT_THAT(values_of(program.run(std::vector<rt::Array>{array_of(ones({3}))})[0]), ElementsAre(4, 7, 10));
}

TEST(Trace, RefusesTensorsOfOtherCalls) {
  Tensor kept;
  {
    Trace trace;
    kept = trace.input({kFloat32, {ir::Dim(3)}}, "x") + 1;
  }
  EXPECT_THAT(error_of([&] { kept + 1; }), HasSubstr("a call that is over"));
  Tensor symbol = Input({3}, {.name = "symbol"});
  Trace trace;
  Tensor x = trace.input({kFloat32, {ir::Dim(3)}}, "x");
  EXPECT_THAT(error_of([&] { x + symbol; }), HasSubstr("the symbolic tensor symbol"));
  EXPECT_THAT(error_of([&] { x.to_vector(); }), HasSubstr("one of a call that is being traced"));
}

}  // namespace
}  // namespace mica::internal
