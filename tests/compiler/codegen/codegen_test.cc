// Listings, sharing, failures and the speed that the emitted pattern must allow.
#include "compiler/codegen/codegen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/compiler/codegen/kernel_runner.h"

namespace mica::codegen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kScaleShift =
    R"(kernel @scale_shift(in x: f32[N,64], in a: f32[64], in b: f32[64], out y: f32[N,64]) {
  parallel i in 0..N { vector<64> l in 0..64 { y[i, l] = x[i, l]*a[l] + b[l] } } })";

// The register tile of a matrix product: 6 rows by 4 vectors, all in registers over the whole of k.
constexpr const char* kRegisterTile = R"(kernel @register_tile(in a: f32[M,K], in b: f32[K,64], out c: f32[M,64]) {
  parallel io in 0..(M/6) {
    local acc: f32[6,64]
    unroll i in 0..6 { vector<64> l in 0..64 { acc[i, l] = 0 } }
    for k in 0..K {
      unroll i in 0..6 { vector<64> l in 0..64 { acc[i, l] = acc[i, l] + a[io*6 + i, k]*b[k, l] } }
    }
    unroll i in 0..6 { vector<64> l in 0..64 { c[io*6 + i, l] = acc[i, l] } }
  } })";

int count(const std::string& text, const std::string& word) {
  int found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(Codegen, LevelsUseTheirRegisters) {
  loop::Kernel kernel = parsed(kScaleShift);
  std::string v4 = assembly(kernel, loop::parse_target("x86-64-v4")),
              v3 = assembly(kernel, loop::parse_target("x86-64-v3"));
  EXPECT_THAT(v4, HasSubstr("zmm"));
  EXPECT_EQ(count(v4, "\tvfmadd"), 4);
  EXPECT_THAT(v3, HasSubstr("ymm"));
  EXPECT_THAT(v3, Not(HasSubstr("zmm")));
  EXPECT_EQ(count(v3, "\tvfmadd"), 8);
  EXPECT_THAT(v4 + v3, Not(HasSubstr("call")));
}

TEST(Codegen, ListingsCarryTheKernelsName) {
  loop::Kernel kernel = parsed(kScaleShift);
  EXPECT_THAT(llvm_ir(kernel, loop::parse_target("x86-64-v4")), HasSubstr("define void @scale_shift(ptr"));
  EXPECT_THAT(assembly(kernel, loop::parse_target("x86-64-v4")), HasSubstr("scale_shift:"));
  EXPECT_EQ(object_code(kernel, "digits_k0", loop::parse_target("x86-64-v3")).substr(1, 3), "ELF");
}

TEST(Codegen, ARegisterTileStaysInRegisters) {
  loop::Kernel kernel = parsed(kRegisterTile);
  std::string text = assembly(kernel, loop::parse_target("x86-64-v4"));
  EXPECT_EQ(count(text, "\tvfmadd"), 24);
  EXPECT_THAT(text, Not(HasSubstr("(%rsp")));
}

TEST(Codegen, ARegisterTileIsAProduct) {
  KernelRun run(parsed(kRegisterTile), {{"M", 12}, {"K", 37}});
  std::vector<Bytes> want = run.interpreted(), got = run.compiled(loop::native_target(), GuardedBytes::kAfter);
  expect_equal(got[2], want[2], kFloat32, 2e-6, "c");
}

TEST(Codegen, OneMoreUseOfAProductChangesNoBit) {
  const std::string head = "kernel @k(in a: f32[64], in b: f32[64], out y: f32[64]";
  const std::string body = "vector<64> l in 0..64 {\n let p: f32 = a[l]*b[l]\n y[l] = p - 0.1\n";
  KernelRun plain(parsed(head + ") {\n" + body + "} }"), {});
  KernelRun tapped(parsed(head + ", out t: f32[64]) {\n" + body + " t[l] = p\n} }"), {});
  EXPECT_EQ(plain.compiled(loop::native_target(), GuardedBytes::kAfter)[2],
            tapped.compiled(loop::native_target(), GuardedBytes::kAfter)[2]);
}

TEST(Codegen, TheFirstFailureIsReported) {
  for (const char* loops : {"for i in 0..N {", "vector<64> i in 0..N {"}) {
    KernelRun run(parsed(std::string("kernel @k(in label: i32[N], out y: i32[N]) {\n") + loops +
                         " fail(3, i, i64(label[i])) if label[i] < 0 || label[i] > 3\n y[i] = label[i]\n} }"),
                  {{"N", 40}});
    MicaErrorWord word{};
    run.compiled(loop::native_target(), GuardedBytes::kAfter, &word);
    EXPECT_EQ(word.step, 0);
    for (std::int32_t at : {37, 21, 22}) {
      const std::int32_t bad = at == 22 ? 9 : -at;
      std::memcpy(run.arguments()[0].data() + at * 4, &bad, sizeof(bad));
    }
    run.compiled(loop::native_target(), GuardedBytes::kAfter, &word);
    EXPECT_EQ(word.step, 1);
    EXPECT_EQ(word.code, 3);
    EXPECT_EQ(word.position, 21);
    EXPECT_EQ(word.value, -21);
  }
}

TEST(Codegen, ThreadsShareOneCompilation) {
  const std::int64_t before = llvm_compilations();
  std::vector<loop::Kernel> kernels;
  for (const char* name : {"p", "q", "r"}) {
    for (int step = 0; step < 8; ++step) {
      kernels.push_back(parsed("kernel @" + std::string(name) +
                               "(out y: f32[8]) { vector<8> i in 0..8 { y[i] = " + std::to_string(step) + ".5 } }"));
    }
  }
  std::vector<std::vector<MicaKernelFn>> found(4);
  std::vector<std::thread> threads;
  for (auto& functions : found) {
    threads.emplace_back([&] { functions = compile(kernels, loop::native_target())->functions; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(llvm_compilations() - before, 8);
  for (const auto& functions : found) EXPECT_EQ(functions, found[0]);
  float y[8];
  void* buffers[] = {y};
  found[0][21](buffers, nullptr, 0, 1);
  EXPECT_EQ(y[7], 5.5f);
}

}  // namespace
}  // namespace mica::codegen
