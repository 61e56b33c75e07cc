#include "compiler/loop/simplify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/loop/expand_math.h"
#include "compiler/loop/interpret.h"

namespace mica::loop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// An expression over i in 0..64, j in 0..16, k in 0..N, m in 0..T, and what is known of them.
struct Parsed {
  Expr expr;
  Ranges ranges;
};

Parsed parsed_expr(const std::string& text, const std::string& dtype) {
  absl::StatusOr<Kernel> kernel =
      parse_kernel("kernel @k() { for i in 0..64 { for j in 0..16 { for k in 0..N { for m in 0..T {\n let e: " + dtype +
                   " = " + text + "\n} } } } }");
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  Parsed result;
  StmtRef at = kernel->body;
  for (; at->kind == StmtKind::kFor; at = at->children[0]) result.ranges.set_loop(at->var, at->begin, at->extent);
  result.expr = at->value;
  return result;
}

std::string dtype_of(const std::string& text) {
  return text.find('<') != std::string::npos || text == "true" ? "bool" : "i64";
}

std::string simplified(const std::string& text) {
  Parsed p = parsed_expr(text, dtype_of(text));
  return to_string(simplify(p.expr, p.ranges));
}

Kernel parsed(const std::string& text) {
  absl::StatusOr<Kernel> kernel = parse_kernel(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return *kernel;
}

TEST(IndexRules, EveryExampleFiresAndEveryNearMissStays) {
  for (const IndexRule& rule : index_rules()) {
    Parsed example = parsed_expr(rule.example, dtype_of(rule.example));
    Expr result = rule.apply(example.expr, example.ranges);
    ASSERT_NE(result, nullptr) << rule.name;
    EXPECT_EQ(to_string(result), rule.result) << rule.name;
    Parsed miss = parsed_expr(rule.near_miss, dtype_of(rule.near_miss));
    EXPECT_EQ(rule.apply(miss.expr, miss.ranges), nullptr) << rule.name << " fires on " << rule.near_miss;
  }
}

TEST(Simplify, FusedReshapesTakeTheirIndicesApartAndBackTogether) {
  EXPECT_EQ(simplified("(i*16 + j)/4/4"), "i");
  EXPECT_EQ(simplified("(i*16 + j)/8*8 + (i*16 + j) % 8"), "i*16 + j");
  EXPECT_EQ(simplified("k/12*12 + k % 12/4*4 + k % 4"), "k");
  EXPECT_EQ(simplified("(k*64 + i)/64*64 + (k*64 + i) % 64/8*8 + (k*64 + i) % 8"), "k*64 + i");
  EXPECT_EQ(simplified("((m*N + k)*16 + j)/16 % N"), "k");
  EXPECT_EQ(simplified("((m*N + k)*16 + j)/(16*N)"), "m");
  EXPECT_EQ(simplified("(i - 3*j) + 3*j - i"), "0");
  EXPECT_EQ(simplified("(i + 63)/64"), "(i + 63)/64");
  EXPECT_EQ(simplified("min(max(i - 64, 0), j)"), "0");
}

TEST(Simplify, KnownOrderDecidesComparisons) {
  EXPECT_EQ(simplified("i*16 + j < 1024"), "true");
  EXPECT_EQ(simplified("i*16 + j < 1023"), "i*16 + j < 1023");
  EXPECT_EQ(simplified("k*16 + j < 16*N"), "true");
  EXPECT_EQ(simplified("j <= 15 && i < 64"), "true");
  EXPECT_EQ(simplified("N <= k"), "false");
}

// The same values before and after, at every point of small extents.
TEST(Simplify, KeepsTheValue) {
  for (const char* text :
       {"(i*16 + j)/24", "(i*16 + j) % 24", "(i*16 - j)/8", "(j - i*16) % 8", "(i*N + k)/N + m % N", "(i*7 + j)/3/5",
        "i % 12 % 4 + i % 12/4", "max(i*2 - j, 0)/2", "(i + j*4)/4*4 + (i + j*4) % 4", "(k*6 + i % 6)/6",
        "-(i - j)*3 + j", "(m*N + k)/N*N + (m*N + k) % N"}) {
    Parsed p = parsed_expr(text, "i64");
    Expr after = simplify(p.expr, p.ranges);
    auto y = std::make_shared<Buffer>(Buffer{"y", kInt64, {2}, Space::kParam, Access::kOut});
    for (std::int64_t step = 0; step < 400; ++step) {
      const std::int64_t values[] = {step * 7 % 64, step * 5 % 16, step % 3, step * 3 % 4};  // i, j, k, m; N 3, T 4
      auto value_of = [&](const Expr& e) {
        return rewrite(e, [&](const Expr& x) -> Expr {
          if (x->kind == ExprKind::kDim) {
            return integer(x->dim.evaluate([](const ir::Symbol& s) { return s.name == "N" ? 3 : 4; }));
          }
          if (x->kind != ExprKind::kVar) return nullptr;
          return integer(values[std::string("ijkm").find(x->var->name)]);
        });
      };
      ASSERT_EQ(as_integer(value_of(p.expr)), as_integer(value_of(after))) << text << " became " << to_string(after);
    }
  }
}

TEST(Simplify, TrivialLoopsAndConditionsVanish) {
  Kernel kernel = parsed(R"(kernel @k(in x: f32[N,16], out y: f32[N,16]) {
  parallel i in 0..N {
    for jo in 0..1 {
      vector<16> j in 0..16 {
        if jo*16 + j < 16 {
          let jj: i64 = j
          y[i, jo*16 + jj] = x[i, (jo*16 + jj) % 16]
        } else {
          y[i, j] = 0
    } } }
    for r in 0..0 { y[i, r] = 1 }
    unroll u in 0..1 { y[i, u] = 2 }
    fail(1, i, i) if i >= N
} })");
  EXPECT_EQ(print(simplify(kernel)), R"(kernel @k(in x: f32[N,16], out y: f32[N,16]) {
  parallel i in 0..N {
    vector<16> j in 0..16 {
      y[i, j] = x[i, j]
    }
    y[i, 0] = 2
} }
)");
}

TEST(Simplify, GridLoopsStay) {
  const std::string text = R"(kernel @k(out y: f32[1]) {
  block_x b in 0..1 {
    thread_x t in 0..1 {
      y[b + t] = 0
} } }
)";
  EXPECT_EQ(print(simplify(parsed(text))), text);
}

TEST(NameSharedValues, AStatementsSharedValuesGetNames) {
  Kernel kernel = parsed(R"(kernel @k(in x: f32[N], out y: f32[N], out z: f32[N]) {
  for i in 0..N {
    y[i] = (x[i] + 1)*(x[i] + 1)
    z[i] = (x[i] + 1)*2
} })");
  EXPECT_EQ(print(name_shared_values(kernel)), R"(kernel @k(in x: f32[N], out y: f32[N], out z: f32[N]) {
  for i in 0..N {
    let t0: f32 = x[i] + 1
    y[i] = t0*t0
    z[i] = t0*2
} }
)");
}

TEST(NameSharedValues, ALetIsANameAlready) {
  Kernel kernel = parsed(R"(kernel @k(in x: f32[N], out y: f32[N]) {
  for i in 0..N {
    let e: f32 = exp(x[i])
    y[i] = exp(x[i]) + e
} })");
  EXPECT_EQ(print(name_shared_values(kernel)), R"(kernel @k(in x: f32[N], out y: f32[N]) {
  for i in 0..N {
    let e: f32 = exp(x[i])
    y[i] = e + e
} }
)");
}

TEST(NameSharedValues, WhatTheRunWritesIsReadAgain) {
  const std::string text = R"(kernel @k(inout y: f32[N]) {
  for i in 0..N {
    y[i] = y[i] + y[i]
    y[i] = y[i] + y[i]
} }
)";
  EXPECT_EQ(print(name_shared_values(parsed(text))), text);
}

TEST(NameSharedValues, ExpandedMathPrintsShortAndComputesTheSame) {
  Kernel kernel = parsed(R"(kernel @gelu(in x: f32[N], out y: f32[N]) {
  vector<8> i in 0..N {
    y[i] = tanh(exp(tanh(x[i])) * 0.5) * x[i]
} })");
  Kernel expanded = expand_math(kernel), named = name_shared_values(expanded);
  ASSERT_TRUE(verify(named).ok()) << verify(named);
  const std::string text = print(named);
  EXPECT_LT(text.size(), 6000u) << text;
  absl::StatusOr<Kernel> again = parse_kernel(text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(print(*again), text);
  std::vector<float> x = {-3, -1, -0.1F, 0, 0.2F, 1, 2, 5}, direct(8), shared(8);
  auto run = [&](const Kernel& k, std::vector<float>& y) {
    InterpretBuffer buffers[] = {{x.data(), 32}, {y.data(), 32}};
    const std::int64_t dims[] = {8};
    EXPECT_TRUE(interpret(k, buffers, dims).ok());
  };
  run(expanded, direct);
  run(*again, shared);
  EXPECT_EQ(direct, shared);
}

}  // namespace
}  // namespace mica::loop
