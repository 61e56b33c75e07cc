// Text of kernels, both ways, and the verifier on text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/loop/kernel.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;

constexpr const char* kBiasRelu =
    R"(kernel @bias_relu(in x: f32[N,64], in b: f32[64], out y: f32[N,64] over x) grain 8 {
  parallel i in 0..N {
    for jo in 0..4 {
      vector<16> j in 0..16 {
        y[i, jo*16 + j] = max(x[i, jo*16 + j] + b[jo*16 + j], 0)
} } } }
)";

constexpr const char* kEverything =
    R"(kernel @everything(in x: f32[N,T], in label: i32[N], inout s: u32[], out y: f64[4*N+1]) {
  parallel i in 0..N {
    local acc: f32[4]
    unroll k in 0..4 {
      acc[k] = -inf
    }
    for t in i*2..+min(T - i*2, 16) {
      let e: f32 = exp(x[i, t] - 1.5)
      let bits: u32 = bitcast_u32(e)
      if bits >> 23 == 1 && !(e < 0.5) {
        acc[t % 4] = select(is_nan(e), e, -e)
      } else {
        acc[0] = fma(e, 2, 1e-07)
    } }
    fail(3, i, i64(label[i])) if label[i] < 0
    s[] = s[] ^ ~u32(i) & 4294967295
    y[i + (T/2)] = f64(acc[0])*0.1 - -0.2
    y[4*N] = floor_div(f64(i), 3)
} }
)";

constexpr const char* kGpu = R"(kernel @transpose(in x: f32[64,64], out y: f32[64,64]) {
  block_x b in 0..2 {
    shared tile: f32[32,33]
    thread_y ty in 0..8 {
      thread_x tx in 0..32 {
        for r in 0..4 {
          tile[ty + r*8, tx] = x[b*32 + ty + r*8, tx]
        }
        barrier
        y[tx, b*32 + ty] = tile[tx, ty]
} } } }
)";

std::string round_trip(const std::string& text) {
  absl::StatusOr<Kernel> kernel = parse_kernel(text);
  if (!kernel.ok()) return std::string(kernel.status().message());
  if (absl::Status status = verify(*kernel); !status.ok()) return std::string(status.message());
  return print(*kernel);
}

std::string parse_error(const std::string& statement) {
  absl::StatusOr<Kernel> kernel = parse_kernel(
      "kernel @k(in x: f32[N], in n: i32[N], out y: f32[N]) {\n  for i in 0..N {\n    " + statement + "\n} }\n");
  return kernel.ok() ? "parsed" : std::string(kernel.status().message());
}

std::string verify_error(const std::string& body) {
  absl::StatusOr<Kernel> kernel = parse_kernel("kernel @k(in x: f32[N], inout y: f32[N]) {\n" + body + "\n}\n");
  if (!kernel.ok()) return absl::StrCat("does not parse: ", std::string(kernel.status().message()));
  return std::string(verify(*kernel).message());
}

TEST(LoopText, ReadsBackExactly) {
  EXPECT_EQ(round_trip(kBiasRelu), kBiasRelu);
  EXPECT_EQ(round_trip(kEverything), kEverything);
  EXPECT_EQ(round_trip(kGpu), kGpu);
}

TEST(LoopText, ParsedKernelIsTheSameKernel) {
  absl::StatusOr<Kernel> kernel = parse_kernel(kBiasRelu);
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  EXPECT_EQ(kernel->grain, 8);
  EXPECT_EQ(kernel->in_place, (std::vector<int>{-1, -1, 0}));
  EXPECT_EQ(kernel->params[2]->access, Access::kOut);
  EXPECT_EQ(kernel->parallel_extent(), ir::Dim::symbol("N"));
  EXPECT_EQ(kernel->structural_key(), parse_kernel(print(*kernel))->structural_key());
}

TEST(LoopText, NamesAreMadeUniqueAndLegal) {
  auto y = std::make_shared<Buffer>(Buffer{"dense/out", kInt64, {ir::Dim::symbol("N")}, Space::kParam, Access::kOut});
  VarRef i = make_var("N"), j = make_var("i"), k = make_var("i");
  StmtRef inner = loop_over(LoopKind::kSerial, k, integer(2), store(y, {var(j) + var(k)}, var(i)));
  StmtRef body =
      loop_over(LoopKind::kSerial, i, dim(ir::Dim::symbol("N")), loop_over(LoopKind::kSerial, j, integer(3), inner));
  std::string text = print({"if", {y}, body});
  EXPECT_EQ(text, R"(kernel @if_(out dense_out: i64[N]) {
  for N_1 in 0..N {
    for i in 0..3 {
      for i_1 in 0..2 {
        dense_out[i + i_1] = N_1
} } } }
)");
  EXPECT_EQ(round_trip(text), text);
}

TEST(LoopText, LiteralsTakeTheDtypeOfTheirPlace) {
  const std::string text = R"(kernel @literals(out a: f32[4], out b: bool[4], out c: f16[4]) {
  a[0] = 1
  a[1] = -0
  a[2] = 3.4028235e+38
  a[3] = nan
  b[0] = a[0] < 1
  b[1] = fma(f64(0.1), f64(a[0]), 2) < f64(a[0])
  b[2] = a[1] != a[2] || b[0] != true
  c[0] = f16(a[0]*0.1)
}
)";
  EXPECT_EQ(round_trip(text), text);
}

TEST(LoopText, ErrorsNameTheLine) {
  EXPECT_EQ(parse_error("y[i] = z[i]"), "line 3: no buffer is named z");
  EXPECT_EQ(parse_error("y[i] = x[i] + n[i]"), "line 3: expected f32, received i32: n[i]");
  EXPECT_EQ(parse_error("y[i] = x"), "line 3: the buffer x needs an index: x[…]");
  EXPECT_EQ(parse_error("y[i] = max(x[i])"), "line 3: max takes 2 operands, received 1");
  EXPECT_EQ(parse_error("y[i] = 1 +"), "line 4: expected an expression, received \"}\"");
  EXPECT_EQ(parse_error("y[i] 1"), "line 3: expected \"=\", received \"1\"");
  EXPECT_EQ(parse_error("for i in 0..4 { y[i] = 0 }"), "line 3: the name i is already in use here");
  EXPECT_EQ(parse_error("for j in 2..4 { y[j] = 0 }"),
            "line 3: expected \"..+\" and the number of iterations, received \"4\"");
  EXPECT_EQ(parse_error("let t: f33 = 0"), "line 3: expected a dtype like f32, received \"f33\"");
  EXPECT_EQ(parse_error("y[i] = soft(x[i])"), "line 3: no operation is named soft");
  EXPECT_EQ(parse_error("y[0.5] = 1"), "line 3: expected a number of i64, received \"0.5\"");
  EXPECT_EQ(parse_error("local t: f32[N"), "line 5: expected \"]\", received the end of the text");
  EXPECT_EQ(parse_kernel("").status().message(), "line 1: expected \"kernel\", received the end of the text");
}

TEST(LoopText, DeepNestingIsAnErrorNotACrash) {
  EXPECT_THAT(parse_error("y[i] = " + std::string(100000, '(')), HasSubstr("nested less deeply"));
  std::string loops;
  for (int i = 0; i < 5000; ++i) loops += "if true {\n";
  EXPECT_THAT(parse_error(loops), HasSubstr("nested less deeply"));
}

TEST(LoopVerify, ScopesAndRanks) {
  EXPECT_EQ(verify_error("for i in 0..N { y[i] = x[i] }"), "");
  EXPECT_THAT(verify_error("for i in 0..N { y[i, i] = x[i] }"), HasSubstr("expected 1 indices of y, received 2"));
  EXPECT_THAT(verify_error("for i in 0..N { y[i] = x[] }"), HasSubstr("expected 1 indices of x, received 0"));
  EXPECT_THAT(verify_error("for i in 0..N { x[i] = 0 }"), HasSubstr("x is an input"));
  EXPECT_THAT(verify_error("local t: f32[N]"), HasSubstr("the dims of scratch are constants"));
  auto y = std::make_shared<Buffer>(Buffer{"y", kInt64, {4}, Space::kParam, Access::kOut});
  Kernel stray{"k", {y}, store(y, {var(make_var("i"))}, integer(0))};
  EXPECT_EQ(verify(stray).message(), "kernel @k: y[i] = 0: the variable i is not in scope");
}

TEST(LoopVerify, Loops) {
  EXPECT_THAT(verify_error("for i in 0..N { parallel j in 0..N { y[j] = 0 } }"), HasSubstr("outermost"));
  EXPECT_THAT(verify_error("vector<4> i in 0..8 { y[i] = 0 }"), HasSubstr("expected at most 4 iterations, received 8"));
  EXPECT_THAT(verify_error("unroll i in 0..N { y[i] = 0 }"), HasSubstr("expected a constant extent, received N"));
  EXPECT_THAT(verify_error("vector<4> i in 0..4 { vector<4> j in 0..4 { y[j] = 0 } }"), HasSubstr("inside another"));
  EXPECT_THAT(verify_error("barrier"), HasSubstr("outside the threads"));
  EXPECT_THAT(verify_error("thread_x t in 0..4 { thread_x u in 0..4 { y[u] = 0 } }"), HasSubstr("used twice"));
  EXPECT_THAT(verify_error("thread_x t in 0..4 { block_x u in 0..4 { y[u] = 0 } }"), HasSubstr("inside a thread loop"));
}

TEST(LoopVerify, Dtypes) {
  EXPECT_THAT(verify_error("for i in 0..N { y[i] = f32(i64(sqrt(i))) }"), HasSubstr("sqrt has no meaning on i64"));
  EXPECT_THAT(verify_error("for i in 0..N { y[i] = x[i] ^ y[i] }"), HasSubstr("bit_xor has no meaning on f32"));
}

}  // namespace
}  // namespace mica::loop
