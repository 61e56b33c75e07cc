#include "compiler/loop/interpret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace mica::loop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
InterpretBuffer over(std::vector<T>& data) {
  return {data.data(), data.size() * sizeof(T)};
}

Kernel parsed(const std::string& text) {
  absl::StatusOr<Kernel> kernel = parse_kernel(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return kernel.ok() ? *kernel : Kernel{"bad", {}, block({})};
}

std::string message(const absl::Status& status) { return std::string(status.message()); }

// Runs `body` over one f32 parameter y of 8 elements.
std::string run_on_y(const std::string& body, std::vector<float>& y) {
  Kernel kernel = parsed("kernel @k(inout y: f32[8]) {\n" + body + "\n}\n");
  InterpretBuffer buffers[] = {over(y)};
  return message(interpret(kernel, buffers, {}));
}
std::string run_on_y(const std::string& body) {
  std::vector<float> y(8, 0.0F);
  return run_on_y(body, y);
}

TEST(Interpret, EveryLoopKindOfTheCpu) {
  Kernel kernel = parsed(R"(kernel @bias_relu(in x: f32[N,6], in b: f32[6], out y: f32[N,6]) {
    parallel i in 0..N {
      for jo in 0..2 {
        vector<4> j in 0..min(6 - jo*4, 4) {
          y[i, jo*4 + j] = max(x[i, jo*4 + j] + b[jo*4 + j], 0)
    } } } })");
  std::vector<float> x = {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6}, b = {0, 0, 0, 1, 1, 10}, y(12, -9);
  InterpretBuffer buffers[] = {over(x), over(b), over(y)};
  const std::int64_t dims[] = {2};
  ASSERT_EQ(message(interpret(kernel, buffers, dims)), "");
  EXPECT_THAT(y, ElementsAre(1, 2, 3, 5, 6, 16, 0, 0, 0, 0, 0, 4));
}

TEST(Interpret, OnePieceOfTheParallelRange) {
  Kernel kernel = parsed("kernel @k(out y: f32[N]) { parallel i in 0..N { y[i] = f32(i) } }");
  std::vector<float> y(5, -1);
  InterpretBuffer buffers[] = {over(y)};
  const std::int64_t dims[] = {5};
  ASSERT_EQ(message(interpret(kernel, buffers, dims, 1, 3)), "");
  EXPECT_THAT(y, ElementsAre(-1, 1, 2, -1, -1));
}

TEST(Interpret, LocalsCarryASum) {
  Kernel kernel = parsed(R"(kernel @softmax(in x: f32[N,T], out y: f32[N,T]) {
    parallel i in 0..N {
      local m: f32[]
      local s: f32[]
      m[] = -inf
      s[] = 0
      for t in 0..T { m[] = max(m[], x[i, t]) }
      for t in 0..T { s[] = s[] + exp(x[i, t] - m[]) }
      for t in 0..T { y[i, t] = exp(x[i, t] - m[]) / s[] }
    } })");
  std::vector<float> x = {1, 2, 3, 0, 0, 0}, y(6);
  InterpretBuffer buffers[] = {over(x), over(y)};
  const std::int64_t dims[] = {2, 3};
  ASSERT_EQ(message(interpret(kernel, buffers, dims)), "");
  EXPECT_NEAR(y[0], 0.09003057, 1e-7);
  EXPECT_NEAR(y[2], 0.66524096, 1e-7);
  EXPECT_EQ(y[4], 1.0F / 3);
}

TEST(Interpret, FloatsComputeInTheirOwnDtype) {
  Kernel kernel = parsed(R"(kernel @k(out a: f32[2], out d: f64[1], out h: f16[1]) {
    a[0] = f32(i64(16777216)) + f32(i64(1))
    a[1] = f32(0.1) * f32(i64(3)) - f32(0.3)
    d[0] = f64(0.1) + f64(0.2)
    h[0] = f16(i64(2048)) + f16(i64(1))
  })");
  std::vector<float> a(2);
  std::vector<double> d(1);
  std::vector<std::uint16_t> h(1);
  InterpretBuffer buffers[] = {over(a), over(d), over(h)};
  ASSERT_EQ(message(interpret(kernel, buffers, {})), "");
  EXPECT_EQ(a[0], 16777216.0F);
  volatile float tenth = 0.1F, three = 3.0F, product = tenth * three;
  EXPECT_EQ(a[1], product - 0.3F);
  EXPECT_EQ(d[0], 0.1 + 0.2);
  EXPECT_EQ(h[0], 0x6800);  // 2048: 2049 is no half
}

TEST(Interpret, EveryDtypeLoadsAndStores) {
  Kernel kernel =
      parsed(R"(kernel @k(in a: i8[1], in b: u16[1], in c: bool[1], in d: i64[1], in e: bf16[1], out y: f64[5]) {
    y[0] = f64(a[0])
    y[1] = f64(b[0])
    y[2] = f64(select(c[0], 7, 8))
    y[3] = f64(d[0] - 1)
    y[4] = f64(e[0])
  })");
  std::vector<std::int8_t> a = {-5};
  std::vector<std::uint16_t> b = {65535}, e = {0xc020};
  std::vector<std::uint8_t> c = {1};
  std::vector<std::int64_t> d = {std::int64_t{1} << 52};
  std::vector<double> y(5);
  InterpretBuffer buffers[] = {over(a), over(b), over(c), over(d), over(e), over(y)};
  ASSERT_EQ(message(interpret(kernel, buffers, {})), "");
  EXPECT_THAT(y, ElementsAre(-5, 65535, 7, 4503599627370495.0, -2.5));
}

TEST(Interpret, OutOfBoundsNamesTheStatement) {
  EXPECT_EQ(run_on_y("for i in 0..9 { y[i] = 1 }"),
            "kernel @k: y[i] = 1: index 8 of y[8] is out of bounds of axis 0, 0..8 (i = 8)");
  EXPECT_THAT(run_on_y("for i in 0..4 { y[i] = y[i - 1] }"), HasSubstr("index -1 of y[8]"));
  EXPECT_THAT(run_on_y("for i in 0..1 { y[i] = select(i > 0, y[i - 1], 0) }"), HasSubstr("index -1 of y[8]"));
  EXPECT_EQ(run_on_y("for i in 0..4 { vector<2> j in 0..min(i + 1, 4) { y[j] = 0 } }"),
            "kernel @k: vector<2> j in 0..min(i + 1, 4) {: 3 iterations in a vector of 2 (i = 2)");
}

TEST(Interpret, ScratchStartsUndefined) {
  std::vector<float> y(8, 0.0F);
  EXPECT_EQ(run_on_y("local t: f32[]\n y[0] = t[]", y), "");
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(Interpret, FirstFailureIsKept) {
  Kernel kernel = parsed(R"(kernel @k(in label: i32[N], out y: i32[N]) {
    for i in 0..N {
      fail(7, i, i64(label[i])) if label[i] >= 3
      y[i] = min(label[i], 2)
    } })");
  std::vector<std::int32_t> label = {1, 5, 9}, y(3);
  InterpretBuffer buffers[] = {over(label), over(y)};
  const std::int64_t dims[] = {3};
  MicaErrorWord word{};
  ASSERT_EQ(message(interpret(kernel, buffers, dims, {.error_word = &word})), "");
  EXPECT_THAT(y, ElementsAre(1, 2, 2));
  EXPECT_EQ(word.step, 1);
  EXPECT_EQ(word.code, 7);
  EXPECT_EQ(word.position, 1);
  EXPECT_EQ(word.value, 5);
}

TEST(Interpret, ArgumentsAreChecked) {
  Kernel kernel = parsed("kernel @k(out y: f32[N]) { for i in 0..N { y[i] = 0 } }");
  std::vector<float> y(3);
  InterpretBuffer buffers[] = {over(y)};
  const std::int64_t dims[] = {4};
  EXPECT_EQ(message(interpret(kernel, buffers, dims)), "kernel @k: expected 16 bytes of y, received 12");
  EXPECT_EQ(message(interpret(kernel, buffers, {})), "kernel @k: expected 1 values of symbols, received 0");
  EXPECT_EQ(message(interpret(kernel, {}, dims)), "kernel @k: expected 1 buffers, received 0");
}

constexpr const char* kTranspose = R"(kernel @transpose(in x: i32[8,8], out y: i32[8,8]) {
  block_x b in 0..2 {
    shared tile: i32[4,8]
    thread_y ty in 0..4 {
      thread_x tx in 0..8 {
        tile[ty, tx] = x[b*4 + ty, tx]
        BARRIER
        y[tx, b*4 + ty] = tile[ty, tx]
        y[tx, b*4 + ty] = tile[ty, (tx + 1) % 8] - 1
} } } })";

std::string run_transpose(const std::string& barrier_text, std::vector<std::int32_t>* out = nullptr) {
  std::string text = kTranspose;
  text.replace(text.find("BARRIER"), 7, barrier_text);
  Kernel kernel = parsed(text);
  std::vector<std::int32_t> x(64), y(64);
  std::iota(x.begin(), x.end(), 0);
  InterpretBuffer buffers[] = {over(x), over(y)};
  std::string result = message(interpret(kernel, buffers, {}));
  if (out) *out = y;
  return result;
}

TEST(LockStep, ThreadsShareMemoryBetweenBarriers) {
  std::vector<std::int32_t> y;
  ASSERT_EQ(run_transpose("barrier", &y), "");
  for (int row = 0; row < 8; ++row) {
    for (int column = 0; column < 8; ++column) {
      EXPECT_EQ(y[static_cast<std::size_t>(column * 8 + row)], row * 8 + (column + 1) % 8 - 1);
    }
  }
}

TEST(LockStep, MissingBarrierIsARace) {
  EXPECT_EQ(run_transpose(""),
            "kernel @transpose: tile[ty, tx] = x[b*4 + ty, tx]: race on element 1 of tile: thread 1 of block 0 writes "
            "what another thread touches without a barrier between (b = 0, ty = 0, tx = 1)");
}

TEST(LockStep, EveryBarrierIsReachedByAllThreads) {
  EXPECT_EQ(run_on_y("thread_x t in 0..8 { if t < 3 { barrier } y[t] = 1 }"),
            "kernel @k: barrier: thread 0 waits here, but thread 3 has ended (t = 0)");
  EXPECT_EQ(run_on_y("thread_x t in 0..8 { if t < 3 { barrier } else { barrier } y[t] = 1 }"),
            "kernel @k: barrier: thread 0 waits here, but thread 3 waits at another barrier (t = 0)");
}

TEST(LockStep, BlocksRaceInGlobalMemory) {
  EXPECT_THAT(run_on_y("block_x b in 0..2 { thread_x t in 0..4 { y[t] = 1 } }"), HasSubstr("race on element 0 of y"));
  EXPECT_EQ(run_on_y("block_x b in 0..2 { thread_x t in 0..4 { y[b*4 + t] = 1 } }"), "");
  EXPECT_THAT(run_on_y("block_x b in 0..2 { thread_x t in 0..4 { y[b*4 + t] = y[(b*4 + t + 4) % 8] } }"),
              HasSubstr("race on element 0 of y"));
}

TEST(LockStep, ABarrierOrdersGlobalAccessesOfOneBlock) {
  const std::string reversed = "y[7 - t] = y[7 - t] * 2";
  EXPECT_THAT(run_on_y("thread_x t in 0..8 {\n y[t] = f32(t)\n" + reversed + "\n}"), HasSubstr("race on element"));
  std::vector<float> y(8);
  ASSERT_EQ(run_on_y("thread_x t in 0..8 {\n y[t] = f32(t)\n barrier\n" + reversed + "\n}", y), "");
  EXPECT_THAT(y, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
}

TEST(LockStep, ReadersOfOnePhaseRaceWithALaterWriterOfTheSamePhase) {
  EXPECT_THAT(run_on_y("thread_x t in 0..4 {\n local s: f32[]\n s[] = y[0]\n if t == 3 { y[0] = s[] }\n}"),
              HasSubstr("thread 3 of block 0 writes"));
}

TEST(LockStep, IterationsOfAParallelLoopDoNotTouchEachOther) {
  Kernel kernel = parsed("kernel @k(inout y: f32[N]) { parallel i in 0..N { y[i] = y[(i + 1) % N] } }");
  std::vector<float> y(4);
  InterpretBuffer buffers[] = {over(y)};
  const std::int64_t dims[] = {4};
  EXPECT_THAT(message(interpret(kernel, buffers, dims)), HasSubstr("race on element 1 of y"));
  EXPECT_EQ(message(interpret(kernel, buffers, dims, {.check_races = false})), "");
}

TEST(LockStep, GridIsMaskedAtTheEnd) {
  Kernel kernel = parsed(R"(kernel @k(out y: i64[N]) {
    block_x b in 0..(N+3)/4 {
      thread_x t in 0..4 {
        if b*4 + t < N { y[b*4 + t] = b*4 + t }
    } } })");
  std::vector<std::int64_t> y(6, -1);
  InterpretBuffer buffers[] = {over(y)};
  const std::int64_t dims[] = {6};
  ASSERT_EQ(message(interpret(kernel, buffers, dims)), "");
  EXPECT_THAT(y, ElementsAre(0, 1, 2, 3, 4, 5));
}

}  // namespace
}  // namespace mica::loop
