#include "runtime/program.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "runtime/error.h"
#include "runtime/parallel.h"
#include "tests/runtime/program_builder.h"
#include "tests/support/error_of.h"

namespace mica::rt {
namespace {

using Index = ProgramBuilder::Index;

// Kernels as a compiler would emit them. `row` kernels work on rows of dims[0] elements.
void add(void* const* b, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    static_cast<float*>(b[2])[i] = static_cast<const float*>(b[0])[i] + static_cast<const float*>(b[1])[i];
  }
}
void twice(void* const* b, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) static_cast<float*>(b[1])[i] = 2 * static_cast<const float*>(b[0])[i];
}
void add_row(void* const* b, const std::int64_t* dims, std::int64_t begin, std::int64_t end) {
  const std::int64_t n = dims[0];
  for (std::int64_t i = begin * n; i < end * n; ++i) {
    static_cast<float*>(b[2])[i] = static_cast<const float*>(b[0])[i] + static_cast<const float*>(b[1])[i % n];
  }
}
std::atomic<int> init_runs{0};
void counted_twice(void* const* b, const std::int64_t* dims, std::int64_t begin, std::int64_t end) {
  if (begin == 0) ++init_runs;
  twice(b, dims, begin, end);
}
// Labels must be below dims[0].
void check_labels(void* const* b, const std::int64_t* dims, std::int64_t begin, std::int64_t end) {
  auto* word = static_cast<MicaErrorWord*>(b[2]);
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int32_t label = static_cast<const std::int32_t*>(b[0])[i];
    if ((label < 0 || label >= dims[0]) && word->step == 0) *word = {1, 5, i, label};
    static_cast<float*>(b[1])[i] = static_cast<float>(label);
  }
}

Array floats(std::vector<std::int64_t> dims, float first = 0) {
  Array array = Array::uninitialized(kFloat32, std::move(dims));
  std::iota(array.as<float>(), array.as<float>() + array.numel(), first);
  return array;
}
std::vector<float> values(const Array& array) { return {array.as<float>(), array.as<float>() + array.numel()}; }

// y = 2 * x + b over f32[N,3], through an arena buffer.
struct Affine : ProgramBuilder {
  Affine() : ProgramBuilder("affine") {
    const Index x = buffer(MICA_INPUT, "x", kFloat32, {0, 0});
    const Index n = plain_symbol("N", x, 0);
    set_dims(x, {symbol(n), 3});
    const Index bias = buffer(MICA_VARIABLE, "bias", kFloat32, {3});
    const Index doubled = buffer(MICA_ARENA, "doubled", kFloat32, {symbol(n), 3});
    const Index y = buffer(MICA_RESULT, "y", kFloat32, {symbol(n), 3});
    run(kernel(twice, {x, doubled}, symbol(n, 3)));
    run(kernel(add_row, {doubled, bias, y}, symbol(n), "add_row", {3}));
  }
};

TEST(Program, RunsAndBindsEachSizeOnce) {
  const Affine builder;
  const auto program = builder.build();
  std::vector<VariableValue> bias = {{floats({3}, 10), 1, 1}};
  const Array small = floats({2, 3}), large = floats({100, 3});
  EXPECT_EQ(values(program->run({{small}}, bias).results[0]), (std::vector<float>{10, 13, 16, 16, 19, 22}));
  EXPECT_EQ(program->num_bindings(), 1);
  const RunResult result = program->run({{large}}, bias);
  EXPECT_EQ(result.results[0].dims(), (std::vector<std::int64_t>{100, 3}));
  EXPECT_EQ(result.results[0].at(299), 2 * 299 + 12);
  program->run({{small}}, bias);
  EXPECT_EQ(program->num_bindings(), 2);
  EXPECT_EQ(program->arena_bytes({{large}}), 1216);  // 1200 bytes in whole cache lines
  EXPECT_EQ(program->num_steps(), 2);
}

TEST(Program, AnEmptyBatchGivesAnEmptyResult) {
  const Affine builder;
  std::vector<VariableValue> bias = {{floats({3}), 1, 1}};
  EXPECT_EQ(builder.build()->run({{floats({0, 3})}}, bias).results[0].dims(), (std::vector<std::int64_t>{0, 3}));
}

TEST(Program, OldBindingsLeave) {
  const Affine builder;
  const auto program = builder.build();
  std::vector<VariableValue> bias = {{floats({3}), 1, 1}};
  for (int n = 1; n <= 40; ++n) program->run({{floats({n, 3})}}, bias);
  EXPECT_EQ(program->num_bindings(), 16);
  EXPECT_EQ(program->run({{floats({1, 3})}}, bias).results[0].at(2), 6);
}

TEST(Program, ManyThreadsRunOneProgram) {
  const Affine builder;
  const auto program = builder.build();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<VariableValue> bias = {{floats({3}, static_cast<float>(t)), 1, 1}};
      for (int round = 0; round < 100; ++round) {
        const std::int64_t n = 1 + (round + t) % 5;
        const std::vector<float> y = values(program->run({{floats({n, 3})}}, bias).results[0]);
        for (std::size_t i = 0; i < y.size(); ++i)
          wrong += y[i] != static_cast<float>(2 * i + i % 3 + static_cast<std::size_t>(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Program, NamesWhatIsWrongWithAnOperand) {
  const Affine builder;
  const auto program = builder.build();
  std::vector<VariableValue> bias = {{floats({3}), 1, 1}};
  const auto run = [&](const Array& x) { return error_of([&] { program->run({{x}}, bias); }); };
  EXPECT_EQ(run(Array()), "x: expected f32[N,3], received no array.");
  EXPECT_EQ(run(Array::zeros(kInt32, {2, 3})), "x: expected f32[N,3], received i32[2,3]. The dtypes differ.");
  EXPECT_EQ(run(floats({2, 3, 1})), "x: expected f32[N,3], received f32[2,3,1]. The ranks differ.");
  EXPECT_EQ(run(floats({2, 4})), "x: expected f32[N,3], received f32[2,4]. Axis 1 must be 3.");
  EXPECT_EQ(error_of([&] { program->run({}, bias); }), "affine: expected 1 input, received 0.");
  EXPECT_EQ(error_of([&] { program->run({{floats({2, 3})}}, {}); }), "affine: expected 1 variable, received 0.");
  bias[0].array = floats({5});
  EXPECT_EQ(run(floats({2, 3})), "bias: expected f32[3], received f32[5]. Axis 0 must be 3.");
  EXPECT_EQ(program->num_bindings(), 0);
}

TEST(Program, SymbolsMustAgree) {
  ProgramBuilder builder;
  const Index a = builder.buffer(MICA_INPUT, "image", kFloat32, {0});
  const Index n = builder.plain_symbol("N", a, 0);
  builder.set_dims(a, {ProgramBuilder::symbol(n)});
  const Index b = builder.buffer(MICA_INPUT, "mask", kFloat32, {ProgramBuilder::symbol(n)});
  builder.buffer(MICA_INPUT, "wide", kFloat32, {ProgramBuilder::symbol(n, 4, -1)});
  const Index y = builder.buffer(MICA_RESULT, "y", kFloat32, {ProgramBuilder::symbol(n)});
  builder.run(builder.kernel(add, {a, b, y}, ProgramBuilder::symbol(n)));
  const auto program = builder.build();
  EXPECT_EQ(error_of([&] { program->run({{floats({8}), floats({7}), floats({31})}}, {}); }),
            "mask: expected f32[N], received f32[7]. Axis 0 must be N = 8, as in image.");
  EXPECT_EQ(error_of([&] { program->run({{floats({8}), floats({8}), floats({30})}}, {}); }),
            "wide: expected f32[4*N-1], received f32[30]. Axis 0 must be 4*N-1 = 31.");
  EXPECT_EQ(program->run({{floats({2}), floats({2}), floats({7})}}, {}).results[0].at(1), 2);
}

TEST(Program, QuotientsAreRoundedDownAndMayNotBeNegative) {
  ProgramBuilder builder;
  const Index x = builder.buffer(MICA_INPUT, "x", kFloat32, {0});
  const Index t = builder.plain_symbol("T", x, 0);
  builder.set_dims(x, {ProgramBuilder::symbol(t)});
  const Index windows = builder.quotient("(T-3)/2", ProgramBuilder::symbol(t, 1, -3), 2);
  const Index y = builder.buffer(MICA_RESULT, "pool", kFloat32, {ProgramBuilder::symbol(windows, 1, 1)});
  builder.run(builder.kernel(twice, {x, y}, ProgramBuilder::symbol(windows, 1, 1)));
  const auto program = builder.build();
  EXPECT_EQ(program->run({{floats({8})}}, {}).results[0].dims(), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(program->run({{floats({2})}}, {}).results[0].dims(), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(error_of([&] { program->run({{floats({0})}}, {}); }),
            "pool: expected an input large enough for it, received dim -1 on axis 0. A window is larger than what it "
            "slides over.");
}

// w' = w + g in place, and the old w as seen by somebody else.
struct Step : ProgramBuilder {
  explicit Step(bool in_place = true, bool result_is_old_value = false) {
    const Index g = buffer(MICA_INPUT, "g", kFloat32, {4});
    const Index w = buffer(MICA_VARIABLE, "w", kFloat32, {4});
    const Index updated = update("w_new", w, in_place, kFloat32, {4});
    if (result_is_old_value) pass_through(w);
    pass_through(updated);
    pass_through(g);
    run(kernel(add, {w, g, updated}, 4));
  }
};

TEST(Program, ADonatedVariableIsUpdatedInPlace) {
  const Step builder;
  const auto program = builder.build();
  std::vector<VariableValue> w = {{floats({4}), 1, 1}};
  const void* storage = w[0].array.data();
  const Array g = floats({4}, 1);
  const RunResult result = program->run({{g}}, w, /*donate=*/true);
  EXPECT_EQ(result.updates[0].data(), storage);
  EXPECT_EQ(values(result.updates[0]), (std::vector<float>{1, 3, 5, 7}));
  EXPECT_TRUE(result.results[0].same_storage(result.updates[0]));
  EXPECT_TRUE(result.results[1].same_storage(g));
}

TEST(Program, ASnapshotNeverChanges) {
  const Step in_place(true), fresh(false), with_old(true, true);
  const auto updates_elsewhere = [](const Program& program, std::vector<VariableValue>& w, bool donate) {
    const std::vector<float> before = values(w[0].array);
    const RunResult result = program.run({{floats({4}, 1)}}, w, donate);
    EXPECT_FALSE(result.updates[0].same_storage(w[0].array));
    EXPECT_EQ(values(w[0].array), before);
  };
  std::vector<VariableValue> w = {{floats({4}), 1, 1}};
  updates_elsewhere(*in_place.build(), w, false);
  updates_elsewhere(*fresh.build(), w, true);
  updates_elsewhere(*with_old.build(), w, true);
  const Array snapshot = w[0].array;
  updates_elsewhere(*in_place.build(), w, true);
  float outside[4] = {1, 2, 3, 4};
  std::vector<VariableValue> borrowed = {{Array::borrow(outside, kFloat32, {4}), 2, 1}};
  updates_elsewhere(*in_place.build(), borrowed, true);
}

// A kernel in whose midst another holder of the variable's value lets go of it, as another thread may.
Array released;
void add_after_a_release(void* const* b, const std::int64_t* dims, std::int64_t begin, std::int64_t end) {
  released = Array();
  add(b, dims, begin, end);
}

TEST(Program, ASnapshotReleasedWhileTheProgramRunsLosesNoUpdate) {
  ProgramBuilder builder;
  const Index g = builder.buffer(MICA_INPUT, "g", kFloat32, {4});
  const Index w = builder.buffer(MICA_VARIABLE, "w", kFloat32, {4});
  const Index updated = builder.update("w_new", w, /*in_place=*/true, kFloat32, {4});
  builder.run(builder.kernel(add_after_a_release, {w, g, updated}, 4));
  const auto program = builder.build();
  std::vector<VariableValue> variables = {{floats({4}), 1, 1}};
  released = variables[0].array;
  const RunResult result = program->run({{floats({4}, 1)}}, variables, /*donate=*/true);
  EXPECT_EQ(values(result.updates[0]), (std::vector<float>{1, 3, 5, 7}));
}

// y = x + 2 * w with 2 * w made by the init steps.
struct Folded : ProgramBuilder {
  Folded() {
    const Index x = buffer(MICA_INPUT, "x", kFloat32, {0, 0});
    const Index n = plain_symbol("N", x, 0);
    set_dims(x, {symbol(n), 2});
    const Index w = buffer(MICA_VARIABLE, "w", kFloat32, {2});
    buffer(MICA_VARIABLE, "unread", kFloat32, {1});
    const Index folded = buffer(MICA_INIT, "folded", kFloat32, {2});
    const Index y = buffer(MICA_RESULT, "y", kFloat32, {symbol(n), 2});
    init(kernel(counted_twice, {w, folded}, 2));
    run(kernel(add_row, {x, folded, y}, symbol(n), "add_row", {2}));
  }
};

TEST(Program, InitRunsAgainOnlyWhenAVersionChanged) {
  const Folded builder;
  const auto program = builder.build();
  std::vector<VariableValue> variables = {{floats({2}, 1), 7, 1}, {floats({1}), 8, 1}};
  init_runs = 0;
  EXPECT_EQ(program->run({{floats({1, 2})}}, variables).results[0].at(1), 5);
  program->run({{floats({1, 2})}}, variables);
  program->run({{floats({3, 2})}}, variables);  // other dims, same folded weights
  variables[1].version = 9;                     // not read by the init steps
  program->run({{floats({1, 2})}}, variables);
  EXPECT_EQ(init_runs, 1);
  variables[0] = {floats({2}, 10), 7, 2};
  EXPECT_EQ(program->run({{floats({1, 2})}}, variables).results[0].at(1), 23);
  EXPECT_EQ(init_runs, 2);
  const std::vector<VariableValue> first = variables;
  variables[0] = {floats({2}, 0), 9, 1};  // another model of the same structure
  EXPECT_EQ(program->run({{floats({1, 2})}}, variables).results[0].at(1), 3);
  variables = first;
  program->run({{floats({1, 2})}}, variables);  // both are kept
  EXPECT_EQ(init_runs, 3);
}

TEST(Program, ThreadsShareTheInitResults) {
  const Folded builder;
  const auto program = builder.build();
  init_runs = 0;
  std::atomic<int> wrong{0};
  const Array w = floats({2}, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<VariableValue> variables = {{w, 7, 1}, {floats({1}), 8, 1}};
      for (int round = 0; round < 50; ++round)
        wrong += program->run({{floats({1, 2})}}, variables).results[0].at(1) != 5;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(init_runs, 1);
}

struct Labels : ProgramBuilder {
  Labels() : ProgramBuilder("labels") {
    const Index x = buffer(MICA_INPUT, "labels", kInt32, {1000});
    const Index y = buffer(MICA_RESULT, "y", kFloat32, {1000});
    MicaStep step = kernel(check_labels, {x, y}, 1000, "one_hot", {10});
    step.has_error_word = 1;
    run(step);
  }
};

TEST(Program, TheFirstPositionThatFailsIsReportedOnAnyNumberOfThreads) {
  const Labels builder;
  const auto program = builder.build();
  const Array good = Array::zeros(kInt32, {1000}), bad = Array::zeros(kInt32, {1000});
  for (const int at : {990, 700, 300}) bad.set(at, at == 300 ? 10 : -1);
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    EXPECT_EQ(error_of([&] { program->run({{bad}}, {}); }),
              "one_hot: expected a value in range, received 10 at position 300.");
    EXPECT_EQ(program->run({{good}}, {}).results[0].numel(), 1000);  // the context is clean again
  }
  set_num_threads(1);
  program->set_fail_text([](const MicaErrorWord& word) {
    return "step " + std::to_string(word.step) + " code " + std::to_string(word.code) + ": label " +
           std::to_string(word.value);
  });
  EXPECT_EQ(error_of([&] { program->run({{bad}}, {}); }), "step 1 code 5: label 10");
}

TEST(Program, CopiesAndViewsShareTheArena) {
  ProgramBuilder builder;
  const Index x = builder.buffer(MICA_INPUT, "x", kFloat32, {2, 3});
  const Index copy = builder.buffer(MICA_ARENA, "copy", kFloat32, {6});
  const Index row = builder.view("row", kFloat32, copy, 3, {3});
  const Index tail = builder.view("tail", kFloat32, row, 1, {2});
  const Index y = builder.buffer(MICA_RESULT, "y", kFloat32, {2});
  builder.run(builder.copy(x, copy));
  builder.run(builder.kernel(twice, {tail, y}, 2));
  EXPECT_EQ(values(builder.build()->run({{floats({2, 3})}}, {}).results[0]), (std::vector<float>{8, 10}));
}

TEST(Program, LoopsAdvanceTheirSlices) {
  // h = h + 2 * x[t]; ys[t] = h; forwards and backwards.
  for (const bool reverse : {false, true}) {
    ProgramBuilder builder;
    const Index x = builder.buffer(MICA_INPUT, "x", kFloat32, {0, 0});
    const Index t = builder.plain_symbol("T", x, 0);
    builder.set_dims(x, {ProgramBuilder::symbol(t), 4});
    const Index ys = builder.buffer(MICA_RESULT, "ys", kFloat32, {ProgramBuilder::symbol(t), 2});
    const Index h = builder.buffer(MICA_ARENA, "h", kFloat32, {2}),
                doubled = builder.buffer(MICA_ARENA, "doubled", kFloat32, {2});
    const Index x_t = builder.view("x_t", kFloat32, x, 0, {4});
    const Index x_end = builder.view("x_end", kFloat32, x_t, 2, {2});  // moves with its row
    const Index y_t = builder.view("y_t", kFloat32, ys, 0, {2});
    const float zeros[2] = {0, 0};
    builder.run(builder.copy(builder.constant("zeros", kFloat32, zeros, {2}), h));
    builder.run(builder.loop(
        ProgramBuilder::symbol(t), reverse, {{x_t, x}, {y_t, ys}},
        {builder.kernel(twice, {x_end, doubled}, 2), builder.kernel(add, {h, doubled, y_t}, 2), builder.copy(y_t, h)}));
    const Array ys_value = builder.build()->run({{floats({3, 4})}}, {}).results[0];
    // Rows end in (2,3), (6,7), (10,11).
    EXPECT_EQ(values(ys_value),
              reverse ? (std::vector<float>{36, 42, 32, 36, 20, 22}) : (std::vector<float>{4, 6, 16, 20, 36, 42}));
  }
}

TEST(Program, LoopsCarryTheirStatesWithoutCopies) {
  // h = h + x[t] from an input that stays as it is, for any number of steps.
  ProgramBuilder builder;
  const Index x = builder.buffer(MICA_INPUT, "x", kFloat32, {0, 0});
  const Index t = builder.plain_symbol("T", x, 0);
  builder.set_dims(x, {ProgramBuilder::symbol(t), 2});
  const Index h0 = builder.buffer(MICA_INPUT, "h0", kFloat32, {2});
  const Index last = builder.buffer(MICA_RESULT, "last", kFloat32, {2});
  const Index spare = builder.buffer(MICA_ARENA, "spare", kFloat32, {2});
  const Index x_t = builder.view("x_t", kFloat32, x, 0, {2});
  const Index state = builder.view("state", kFloat32, h0, 0, {2}), next = builder.view("next", kFloat32, last, 0, {2});
  builder.run(builder.loop(ProgramBuilder::symbol(t), false, {{x_t, x}}, {builder.kernel(add, {state, x_t, next}, 2)},
                           {{state, next, h0, last, spare}}));
  auto program = builder.build();
  const Array start = floats({2});
  for (const auto& [steps, want] : {std::pair(0, std::vector<float>{0, 1}), std::pair(1, std::vector<float>{0, 2}),
                                    std::pair(2, std::vector<float>{2, 5}), std::pair(3, std::vector<float>{6, 10})}) {
    EXPECT_EQ(values(program->run({{floats({steps, 2}), start}}, {}).results[0]), want) << steps << " steps";
    EXPECT_EQ(values(start), (std::vector<float>{0, 1}));
  }
}

// y = relu(x · w + b) with w packed by the init steps.
TEST(Program, LibraryStepsUsePackedWeightsOfTheCurrentVersion) {
  ProgramBuilder builder;
  const auto symbol = [](Index s) { return ProgramBuilder::symbol(s); };
  const Index x = builder.buffer(MICA_INPUT, "x", kFloat32, {0, 0});
  const Index n = builder.plain_symbol("N", x, 0);
  builder.set_dims(x, {symbol(n), 2});
  const Index w = builder.buffer(MICA_VARIABLE, "w", kFloat32, {2, 3}),
              b = builder.buffer(MICA_VARIABLE, "b", kFloat32, {3});
  const Index packed = builder.buffer(MICA_INIT, "packed", kFloat32, {2, 3});
  const Index y = builder.buffer(MICA_RESULT, "y", kFloat32, {symbol(n), 3});
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  call.has_bias = call.packed = 1;
  const MicaStep product = builder.library(
      call, {x, packed, b, y}, {{.kind = MICA_EPILOGUE_UNARY, .op = "relu", .alpha = 0, .beta = 0}}, "dense_relu");
  MicaLibraryCall pack = {};
  pack.kind = MICA_PACK_MATMUL;
  pack.pack_of = product.callee;
  builder.init(builder.library(pack, {w, packed}));
  builder.run(product);
  const auto program = builder.build();
  std::vector<VariableValue> variables = {{floats({2, 3}, -3), 1, 1}, {floats({3}), 2, 1}};
  // x = [[0, 1], [2, 3]], w = [[-3, -2, -1], [0, 1, 2]], b = [0, 1, 2]
  EXPECT_EQ(values(program->run({{floats({2, 2})}}, variables).results[0]), (std::vector<float>{0, 2, 4, 0, 0, 6}));
  variables[0] = {floats({2, 3}, 0), 1, 2};
  EXPECT_EQ(values(program->run({{floats({1, 2})}}, variables).results[0]), (std::vector<float>{3, 5, 7}));
  std::vector<StepTime> times;
  program->profile({{floats({1, 2})}}, variables, times);
  EXPECT_EQ(times.at(0).kind, "library");
}

TEST(Program, ProfileHasOneEntryAStep) {
  const Affine builder;
  std::vector<VariableValue> bias = {{floats({3}), 1, 1}};
  std::vector<StepTime> times;
  builder.build()->profile({{floats({2, 3})}}, bias, times);
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[1].step, "add_row");
  EXPECT_EQ(times[1].kind, "kernel");
  EXPECT_GE(times[0].microseconds, 0);
}

[[noreturn]] void run_under_profile() {
  setenv("MICA_PROFILE", "1", 1);
  const Affine builder;
  std::vector<VariableValue> bias = {{floats({3}), 1, 1}};
  builder.build()->run({{floats({2, 3})}}, bias);
  std::_Exit(0);
}
TEST(ProgramDeathTest, TheEnvironmentAsksForALineAStep) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process, which has not looked at the environment yet
  EXPECT_EXIT(run_under_profile(), testing::ExitedWithCode(0),
              "program,step,kind,layer,microseconds\naffine,kernel,kernel,kernel,[0-9.]+\naffine,add_row,kernel,add_"
              "row,[0-9.]+\n");
}

TEST(Program, BrokenTablesAreFoundOnLoading) {
  const Affine builder;
  MicaProgram tables = builder.tables();
  tables.abi_version = 99;
  EXPECT_THROW(Program(tables, nullptr), InternalError);
  tables = builder.tables();
  tables.num_buffers -= 1;  // the result is missing
  EXPECT_THROW(Program(tables, nullptr), InternalError);
  tables = builder.tables();
  tables.num_kernels = 1;
  EXPECT_THROW(Program(tables, nullptr), InternalError);
  tables = builder.tables();
  tables.num_terms = 1;
  EXPECT_THROW(Program(tables, nullptr), InternalError);
  Affine circular;
  const Index view = circular.view("loop", kFloat32, 0, 0, {3});
  circular.at(view).link = view;
  EXPECT_THROW(Program(circular.tables(), nullptr), InternalError);
}

}  // namespace
}  // namespace mica::rt
