// Every construct of the Loop IR as machine code, against the interpreter, at both levels, between guard pages.
#include <gtest/gtest.h>

#include "tests/compiler/codegen/kernel_runner.h"

namespace mica::codegen {
namespace {

using Sizes = std::map<std::string, std::int64_t>;

struct Case {
  std::string name;
  std::string text;
  std::vector<Sizes> sizes = {{}};
  double tolerance = 0;  // where the machine rounds once more or less than the interpreter
};
void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name << "\n" << test.text; }

// y[k] = `value` over 21 elements in vectors of 16 with a masked tail.
Case elementwise(std::string name, const std::string& params, const std::string& value) {
  std::string out = params.substr(params.rfind(' ') + 1);
  return {std::move(name), "kernel @k(" + params +
                               "[21]) {\n  for o in 0..2 {\n    vector<16> l in 0..min(21 - o*16, 16) {\n"
                               "      let i: i64 = o*16 + l\n      y[i] = " +
                               value + "\n} } }\n"};
}

std::vector<Case> cases() {
  return {
      {"DynamicTail",
       R"(kernel @k(in x: f32[N], out y: f32[N]) {
         parallel o in 0..((N+15)/16) {
           vector<16> l in 0..min(N - o*16, 16) { y[o*16 + l] = x[o*16 + l] + 1 } } })",
       {{{"N", 1}}, {{"N", 16}}, {{"N", 31}}, {{"N", 1000}}}},
      {"RemainderTail",
       R"(kernel @k(in x: f32[N], out y: f32[N]) {
         for o in 0..(N/64) { vector<64> l in 0..64 { y[o*64 + l] = -x[o*64 + l] } }
         vector<64> l in 0..N - 64*(N/64) { y[64*(N/64) + l] = -x[64*(N/64) + l] } })",
       {{{"N", 0}}, {{"N", 5}}, {{"N", 64}}, {{"N", 127}}, {{"N", 200}}}},
      {"OddWidth", R"(kernel @k(in x: f32[40], out y: f32[40]) { vector<48> l in 0..40 { y[l] = x[l]*2 } })"},
      {"NarrowVector", R"(kernel @k(in x: f32[3], out y: f32[3]) { vector<16> l in 0..3 { y[l] = abs(x[l]) } })"},
      {"OneLane", R"(kernel @k(in x: f32[1], out y: f32[1]) { vector<16> l in 0..1 { y[l] = abs(x[l]) } })"},
      {"Strided",
       R"(kernel @k(in x: f32[N,3], out y: f32[N,3]) {
         vector<16> i in 0..min(N, 16) { unroll c in 0..3 { y[i, 2 - c] = x[i, c] } } })",
       {{{"N", 16}}, {{"N", 11}}}},
      {"SymbolicStride",
       R"(kernel @k(in x: f32[16,N], out y: f32[N,16]) {
         for j in 0..N { vector<16> i in 0..16 { y[j, i] = x[i, j] } } })",
       {{{"N", 5}}}},
      {"Transposed",
       R"(kernel @k(in x: f32[N,16], out y: f32[16,N]) {
         for j in 0..N { vector<16> i in 0..16 { y[i, j] = x[j, i] } } })",
       {{{"N", 5}}}},
      {"Reversed", R"(kernel @k(in x: f32[16], out y: f32[16]) { vector<16> i in 0..16 { y[15 - i] = x[i] } })"},
      {"Gather",
       R"(kernel @k(in x: f32[4,5], in at: i32[N], out y: f32[N,5]) {
         for c in 0..5 { vector<16> i in 0..min(N, 16) { y[i, c] = x[max(min(i64(at[i]), 3), 0), c] } } })",
       {{{"N", 16}}, {{"N", 9}}}},
      {"BroadcastLane", R"(kernel @k(in x: f32[8], in b: f32[], out y: f32[8]) {
         vector<8> i in 0..8 { y[i] = (x[i] - x[0])/b[] } })"},
      {"LastLaneWins",
       R"(kernel @k(in x: f32[N], out y: f32[]) {
         vector<16> i in 0..min(N, 16) { y[] = x[i] } })",
       {{{"N", 16}}, {{"N", 5}}}},
      {"RowSum",
       R"(kernel @k(in x: f32[R,N], out y: f32[R]) {
         parallel r in 0..R {
           local lanes: f32[16]
           vector<16> l in 0..16 { lanes[l] = 0 }
           for o in 0..(N/16) { vector<16> l in 0..16 { lanes[l] = lanes[l] + x[r, o*16 + l] } }
           vector<16> l in 0..N - 16*(N/16) { lanes[l] = lanes[l] + x[r, 16*(N/16) + l] }
           vector<8> l in 0..8 { lanes[l] = lanes[l] + lanes[l + 8] }
           vector<4> l in 0..4 { lanes[l] = lanes[l] + lanes[l + 4] }
           vector<2> l in 0..2 { lanes[l] = lanes[l] + lanes[l + 2] }
           y[r] = lanes[0] + lanes[1]
         } })",
       {{{"R", 3}, {"N", 100}}, {{"R", 2}, {"N", 7}}, {{"R", 1}, {"N", 32}}}},
      {"LocalRows", R"(kernel @k(in x: f32[20], out y: f32[20]) {
         local t: f32[4,5]
         for r in 0..4 { vector<8> c in 0..5 { t[r, c] = x[r*5 + c] } }
         for r in 0..4 { vector<8> c in 0..5 { y[r*5 + c] = t[3 - r, c] } } })"},
      {"UniformIf", R"(kernel @k(in x: f32[32], in flag: bool[2], out y: f32[32]) {
         for o in 0..2 {
           vector<16> l in 0..16 { if flag[o] { y[o*16 + l] = x[o*16 + l] } else { y[o*16 + l] = 0 } } } })"},
      {"LaneIf",
       R"(kernel @k(in x: f32[N], inout y: f32[N], inout z: f32[N]) {
         vector<16> l in 0..min(N, 16) {
           if x[l] < 0.5 { if x[l] < 0 { y[l] = 1 } else { y[l] = x[l] + 2 } } else { z[N - 1 - l] = 3 }
         } })",
       {{{"N", 16}}}},
      {"LaneIfGuardsAccess", R"(kernel @k(in x: f32[10], out y: f32[16]) {
         vector<16> l in 0..16 { if l < 10 { y[l] = x[l] } else { y[l] = 0 } } })"},
      {"LoopInVector", R"(kernel @k(in x: f32[6,16], out y: f32[16]) {
         local m: f32[16]
         vector<16> l in 0..16 {
           m[l] = -inf
           for k in 0..6 { m[l] = max(m[l], x[k, l]) }
           y[l] = m[l]
         } })"},
      {"LetOfIndices", R"(kernel @k(in x: f32[4,4], out y: f32[16]) {
         vector<16> l in 0..16 {
           let r: i64 = l/4
           let c: i64 = l % 4
           y[l] = x[c, r]
         } })"},
      {"InPlace",
       R"(kernel @k(in x: f32[N], out y: f32[N] over x) {
         for o in 0..(N/16) { vector<16> l in 0..16 { y[o*16 + l] = x[o*16 + l]*x[o*16 + l] } } })",
       {{{"N", 64}}}},
      {"NegativeDivision", R"(kernel @k(out y: i64[16], out z: i64[16]) {
         vector<16> l in 0..16 { y[l] = (l - 8)/3
           z[l] = (l - 8) % 3 } })"},
      {"SerialRanges",
       R"(kernel @k(in x: f32[N], inout y: f32[N]) {
         for i in 2..+N - 3 { y[i] = x[i - 1] + y[i - 1] } })",
       {{{"N", 9}}, {{"N", 3}}, {{"N", 2}}}},
      {"Bools", R"(kernel @k(in a: bool[20], in x: f32[20], out y: bool[20], out z: f32[20]) {
         for o in 0..2 { vector<16> l in 0..min(20 - o*16, 16) {
           let p: bool = a[o*16 + l] && !(x[o*16 + l] < 0) || is_nan(x[o*16 + l])
           y[o*16 + l] = p
           z[o*16 + l] = select(p, 1, f32(a[o*16 + l])) } } })"},
      {"Contraction",
       R"(kernel @k(in a: f32[16], in b: f32[16], out y: f32[16], out z: f32[16], out t: f32[16]) {
         vector<16> l in 0..16 {
           let p: f32 = a[l]*b[l]
           t[l] = p
           y[l] = p - 1
           z[l] = 1 - p
         } })",
       {{}},
       1e-6},
  };
}

std::vector<Case> dtype_cases() {
  std::vector<Case> all;
  for (const char* dtype : {"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"}) {
    const std::string t = dtype;
    auto add = [&](const std::string& name, const std::string& value) {
      all.push_back(elementwise(name + "_" + t, "in x: " + t + "[21], in w: " + t + "[21], out y: " + t, value));
    };
    add("Arithmetic", "(x[i] - w[i])*x[i] + w[i] - max(x[i], w[i])*min(x[i], " + t + "(2)) + abs(-x[i]) + sign(w[i])");
    add("Division", "floor_div(x[i] - w[i], w[i] - " + t + "(2))");
    add("Remainder", "mod(x[i] - w[i], w[i] - " + t + "(2)) + fmod(x[i] - w[i], w[i])");
    add("Power", "pow(x[i] - w[i], x[i] - " + t + "(1))");
    add("Bits", "shr(~x[i] ^ shl(w[i], x[i]), " + t + "(1)) | x[i] & w[i]");
    all.push_back(elementwise("ToFloat_" + t, "in x: " + t + "[21], out y: f32", "f32(x[i] - " + t + "(2))"));
    all.push_back(
        elementwise("FromFloat_" + t, "in x: f32[21], out y: " + t, t + "(select(x[i] < -1.5, nan, x[i])*1e6)"));
  }
  for (const char* dtype : {"f16", "bf16", "f32", "f64"}) {
    const std::string t = dtype;
    auto add = [&](const std::string& name, const std::string& value) {
      all.push_back(elementwise(name + "_" + t, "in x: " + t + "[21], in w: " + t + "[21], out y: " + t, value));
    };
    add("Sum", "x[i] - w[i]");
    add("Product", "x[i]*w[i]/(x[i] + " + t + "(3))");
    add("Rounding", "floor(x[i]) + ceil(w[i]) + trunc(x[i]) + round(w[i]*" + t + "(4))");
    add("Extremes",
        "max(select(x[i] < 0, " + t + "(nan), w[i]), x[i]) + min(x[i], select(w[i] < 0, " + t + "(nan), w[i]))");
    add("Clamped", "min(max(select(x[i] < 0, " + t + "(nan), w[i]), " + t + "(-1)), " + t + "(1))");
    add("Root", "sqrt(abs(x[i]))");
    add("ReciprocalRoot", "rsqrt(abs(x[i]))");
    all.back().tolerance = t == "f32" || t == "f64" ? 2.4e-7 : 0;  // a root and a quotient, each rounded
    add("Remainders", "mod(x[i], w[i]) + fmod(w[i], x[i])");
    add("Signs", "sign(x[i]) + abs(w[i]) - sign(" + t + "(0)*x[i])");
    all.push_back(elementwise("ToF32_" + t, "in x: " + t + "[21], out y: f32", "f32(x[i])"));
    all.push_back(
        elementwise("FromF32_" + t, "in x: f32[21], out y: " + t, t + "(select(x[i] < -1, nan, x[i]*1e-39))"));
  }
  Case library =
      elementwise("Library_f64", "in x: f64[21], out y: f64", "exp(x[i]) + tanh(x[i]) + erf(x[i]) + pow(2, x[i])");
  library.tolerance = 1e-15;
  all.push_back(library);
  all.push_back(elementwise("Bitcast", "in x: f32[21], out y: i32", "bitcast_i32(x[i]) + 1"));
  all.push_back(elementwise("MulHigh", "in x: u32[21], out y: u32", "mul_high(x[i]*u32(3528531795), u32(3449720151))"));
  return all;
}

class Emit : public testing::TestWithParam<std::tuple<Case, const char*>> {};

TEST_P(Emit, EqualsTheInterpreter) {
  const auto& [test, level] = GetParam();
  CpuTarget target = loop::parse_target(level);
  if (target.level > loop::native_target().level)
    GTEST_SKIP() << "NOT TESTED: " << level << " does not run on this machine";
  for (const Sizes& sizes : test.sizes) {
    KernelRun run(parsed(test.text), sizes);
    std::vector<Bytes> want = run.interpreted();
    for (auto side : {GuardedBytes::kAfter, GuardedBytes::kBefore}) {
      std::vector<Bytes> got = run.compiled(target, side);
      for (std::size_t i = 0; i < want.size(); ++i) {
        const loop::Buffer& buffer = *run.kernel().params[i];
        expect_equal(got[i], want[i], buffer.dtype, test.tolerance, buffer.name);
      }
    }
  }
}

std::string case_name(const testing::TestParamInfo<Emit::ParamType>& info) {
  return std::get<0>(info.param).name + (std::string(std::get<1>(info.param)) == "x86-64-v4" ? "_v4" : "_v3");
}
const auto kLevels = testing::Values("x86-64-v3", "x86-64-v4");
INSTANTIATE_TEST_SUITE_P(Constructs, Emit, testing::Combine(testing::ValuesIn(cases()), kLevels), case_name);
INSTANTIATE_TEST_SUITE_P(Types, Emit, testing::Combine(testing::ValuesIn(dtype_cases()), kLevels), case_name);

}  // namespace
}  // namespace mica::codegen
