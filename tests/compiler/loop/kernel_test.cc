#include "compiler/loop/kernel.h"

#include <gtest/gtest.h>

namespace mica::loop {
namespace {

// y[i, j] = x[i, j] * 2 over [symbol, 8], under any names.
Kernel scale(const std::string& symbol, const std::string& x_name, const std::string& i_name, double factor = 2) {
  auto x = std::make_shared<Buffer>(Buffer{x_name, kFloat32, {ir::Dim::symbol(symbol), 8}});
  auto y = std::make_shared<Buffer>(Buffer{"y", kFloat32, {ir::Dim::symbol(symbol), 8}, Space::kParam, Access::kOut});
  VarRef i = make_var(i_name), j = make_var("j");
  Exprs at = {var(i), var(j)};
  StmtRef body = store(y, at, load(x, at) * constant(factor, kFloat32));
  body = loop_over(LoopKind::kVector, j, integer(8), body, 8);
  body = loop_over(LoopKind::kParallel, i, dim(ir::Dim::symbol(symbol)), body);
  return {"scale", {x, y}, body};
}

TEST(Kernel, ParallelExtentAndSymbols) {
  Kernel kernel = scale("N", "x", "i");
  EXPECT_EQ(kernel.parallel_extent(), ir::Dim::symbol("N"));
  ASSERT_EQ(kernel.symbols().size(), 1u);
  EXPECT_EQ(kernel.symbols()[0]->name, "N");
  Kernel empty{"nothing", {}, block({})};
  EXPECT_EQ(empty.parallel_extent(), ir::Dim(1));
}

TEST(Kernel, StructuralKeyForgetsNamesOnly) {
  EXPECT_EQ(scale("N", "x", "i").structural_key(), scale("B", "input", "row").structural_key());
  EXPECT_NE(scale("N", "x", "i").structural_key(), scale("N", "x", "i", 3).structural_key());
  Kernel in_place = scale("N", "x", "i");
  in_place.in_place = {-1, 0};
  EXPECT_NE(in_place.structural_key(), scale("N", "x", "i").structural_key());
}

TEST(Kernel, StructuralKeyDoesNotDependOnSharing) {
  auto y = std::make_shared<Buffer>(Buffer{"y", kFloat32, {}, Space::kParam, Access::kOut});
  auto x = std::make_shared<Buffer>(Buffer{"x", kFloat32, {}});
  Expr once = load(x, {});
  Kernel shared{"k", {x, y}, store(y, {}, once * once)}, apart{"k", {x, y}, store(y, {}, load(x, {}) * load(x, {}))};
  EXPECT_EQ(shared.structural_key(), apart.structural_key());
}

}  // namespace
}  // namespace mica::loop
