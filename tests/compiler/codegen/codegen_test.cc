#include "compiler/codegen/codegen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace mica::codegen {
namespace {

using namespace loop;

BufferRef buffer(const char* name, ir::Dims dims, Access access = Access::kIn) {
  return std::make_shared<const Buffer>(Buffer{.name = name, .dims = std::move(dims), .access = access});
}

// y[i, j] = max(x[i, j] + b[j], 0) over f32[N,40]: two whole vectors and one half full.
Kernel bias_relu() {
  ir::Dim rows = ir::Dim::symbol("N");
  BufferRef x = buffer("x", {rows, 40}), b = buffer("b", {40}), y = buffer("y", {rows, 40}, Access::kOut);
  VarRef i = make_var("i"), jo = make_var("jo"), j = make_var("j");
  Expr column = var(jo) * 16 + var(j);
  Expr value = max(load(x, {var(i), column}) + load(b, {column}), constant(0, kFloat32));
  StmtRef lanes = loop_over(LoopKind::kVector, j, min(integer(16), integer(40) - var(jo) * 16),
                            store(y, {var(i), column}, value), 16);
  StmtRef columns = loop_over(LoopKind::kSerial, jo, integer(3), lanes);
  Kernel kernel{.name = "bias_relu", .params = {x, b, y}};
  kernel.body = loop_over(LoopKind::kParallel, i, dim(rows), columns);
  kernel.grain = 1;
  kernel.in_place = {-1, -1, -1};
  return kernel;
}

class Levels : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    target_ = parse_target(GetParam());
    if (target_.level > native_target().level) GTEST_SKIP() << GetParam() << " does not run on this machine";
  }
  CpuTarget target_;
};
INSTANTIATE_TEST_SUITE_P(Codegen, Levels, testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto& level) { return std::string(level.param).substr(7); });

TEST_P(Levels, ElementwiseKernelComputesItsPieceOnly) {
  Kernel kernel = bias_relu();
  auto compiled = compile({&kernel, 1}, target_);
  constexpr int kRows = 5, kColumns = 40;
  std::vector<float> x(kRows * kColumns), b(kColumns), y(kRows * kColumns, -1.0f);
  for (int k = 0; k < kRows * kColumns; ++k) x[k] = static_cast<float>(k % 23 - 11);
  for (int k = 0; k < kColumns; ++k) b[k] = 0.25f * static_cast<float>(k % 7);
  void* buffers[] = {x.data(), b.data(), y.data()};
  const std::int64_t dims[] = {kRows};
  compiled->functions[0](buffers, dims, 1, 4);
  for (int k = 0; k < kRows * kColumns; ++k) {
    const bool in_piece = k / kColumns >= 1 && k / kColumns < 4;
    EXPECT_EQ(y[k], in_piece ? std::max(x[k] + b[k % kColumns], 0.0f) : -1.0f) << k;
  }
}

}  // namespace
}  // namespace mica::codegen
