#include "compiler/loop/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/loop/kernel.h"
#include "compiler/loop/scalar_eval.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

double evaluate(ScalarOp op, std::vector<double> x) { return info(op).evaluate(x.data()); }
std::int64_t evaluate_int(ScalarOp op, DType dtype, std::vector<std::int64_t> x) {
  return evaluate_integer(op, dtype, x.data());
}

TEST(ScalarOps, EveryNameFindsItsOwnLine) {
  for (const char* name : {"add", "floor_div", "select", "mul_high"}) {
    std::optional<ScalarOp> op = find_scalar_op(name);
    ASSERT_TRUE(op.has_value()) << name;
    EXPECT_STREQ(info(*op).name, name);
  }
  EXPECT_FALSE(find_scalar_op("addition").has_value());
  EXPECT_EQ(info(ScalarOp::k_fma).arity, 3);
  EXPECT_EQ(info(ScalarOp::k_lt).type_rule, ScalarClass::kCompare);
}

TEST(ScalarOps, MaximumAndMinimumPropagateNan) {
  EXPECT_TRUE(std::isnan(evaluate(ScalarOp::k_max, {kNan, 1})));
  EXPECT_TRUE(std::isnan(evaluate(ScalarOp::k_max, {1, kNan})));
  EXPECT_TRUE(std::isnan(evaluate(ScalarOp::k_min, {kNan, 1})));
  EXPECT_TRUE(std::isnan(evaluate(ScalarOp::k_min, {1, kNan})));
  EXPECT_EQ(evaluate(ScalarOp::k_max, {-kInf, 3}), 3);
  EXPECT_FALSE(std::signbit(evaluate(ScalarOp::k_max, {-0.0, 0.0})));
}

TEST(ScalarOps, RemainderHasTheSignOfTheDivisor) {
  EXPECT_EQ(evaluate(ScalarOp::k_mod, {-5, 3}), 1);
  EXPECT_EQ(evaluate(ScalarOp::k_mod, {5, -3}), -1);
  EXPECT_EQ(evaluate(ScalarOp::k_fmod, {-5, 3}), -2);
  EXPECT_EQ(evaluate_int(ScalarOp::k_mod, kInt32, {-5, 3}), 1);
  EXPECT_EQ(evaluate_int(ScalarOp::k_floor_div, kInt32, {-5, 3}), -2);
  EXPECT_EQ(evaluate_int(ScalarOp::k_floor_div, kInt32, {7, 0}), 0);
}

TEST(ScalarOps, IntegersWrapAtTheirWidth) {
  EXPECT_EQ(evaluate_int(ScalarOp::k_add, kInt8, {127, 1}), -128);
  EXPECT_EQ(evaluate_int(ScalarOp::k_mul, kUInt32, {0xffffffff, 2}), 0xfffffffe);
  EXPECT_EQ(evaluate_int(ScalarOp::k_shr, kInt32, {-8, 1}), -4);
  EXPECT_EQ(evaluate_int(ScalarOp::k_shr, kUInt32, {0x80000000, 31}), 1);
  EXPECT_EQ(evaluate_int(ScalarOp::k_mul_high, kUInt32, {0xD2511F53, 0xCD9E8D57}), 0xA8ED3844);
  EXPECT_EQ(evaluate_int(ScalarOp::k_abs, kInt8, {-128}), -128);
  EXPECT_EQ(evaluate_int(ScalarOp::k_pow, kInt32, {3, 4}), 81);
  EXPECT_EQ(evaluate_int(ScalarOp::k_bit_not, kBool, {1}), 0);
}

TEST(ScalarOps, CastsSaturateAndNanIsZero) {
  EXPECT_EQ(float_to_integer(-3.9, kInt32), -3);
  EXPECT_EQ(float_to_integer(1e30, kInt32), 2147483647);
  EXPECT_EQ(float_to_integer(-1e30, kInt8), -128);
  EXPECT_EQ(float_to_integer(300, kUInt8), 255);
  EXPECT_EQ(float_to_integer(kNan, kInt64), 0);
  EXPECT_EQ(float_to_integer(-kInf, kInt64), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(float_to_integer(0.5, kBool), 1);
}

TEST(ScalarOps, SmallFloatsRoundToNearestEven) {
  EXPECT_EQ(float_to_bits(1.0, kFloat16), 0x3c00u);
  EXPECT_EQ(float_to_bits(65504.0, kFloat16), 0x7bffu);
  EXPECT_EQ(float_to_bits(65520.0, kFloat16), 0x7c00u);  // rounds to infinity
  EXPECT_EQ(float_to_bits(std::ldexp(1.0, -24), kFloat16), 0x0001u);
  EXPECT_EQ(float_to_bits(std::ldexp(1.0, -25), kFloat16), 0x0000u);  // tie, to even
  EXPECT_EQ(float_to_bits(-2.5, kBFloat16), 0xc020u);
  EXPECT_EQ(float_to_bits(1.0 + 1.0 / 256, kBFloat16), 0x3f80u);  // tie, to even
  EXPECT_EQ(float_to_bits(1.0 + 3.0 / 256, kBFloat16), 0x3f82u);
  for (std::uint64_t bits = 0; bits < 0x7c00; bits += 7) {
    EXPECT_EQ(float_to_bits(bits_to_float(bits, kFloat16), kFloat16), bits);
    EXPECT_EQ(float_to_bits(bits_to_float(bits, kBFloat16), kBFloat16), bits);
  }
}

TEST(Expr, IndexArithmeticFolds) {
  VarRef i = make_var("i"), j = make_var("j");
  Expr n = dim(ir::Dim::symbol("N"));
  EXPECT_EQ(to_string(var(i) + 0), "i");
  EXPECT_EQ(to_string(integer(3) + var(i)), "i + 3");
  EXPECT_EQ(to_string(var(i) + 3 - 5), "i - 2");
  EXPECT_EQ(to_string(var(i) * 4 * 2), "i*8");
  EXPECT_EQ(to_string((var(i) * 16 + var(j)) / 16), "i + j/16");
  EXPECT_EQ(to_string((var(i) * 16 + var(j)) % 16), "j % 16");
  EXPECT_EQ(to_string(n * 4 + 1), "4*N+1");
  EXPECT_EQ(to_string(n * 4 % 4), "0");
  EXPECT_EQ(to_string(n * var(i)), "i*N");
  EXPECT_EQ(to_string((var(i) + var(j)) - var(i)), "j");
  EXPECT_EQ(as_integer(integer(-7) / integer(2)), -4);
}

TEST(Expr, FloatsFoldOnlyWhereNoBitChanges) {
  VarRef x = make_var("x", kFloat32);
  EXPECT_EQ(to_string(var(x) + constant(0.0, kFloat32)), "x + 0");
  EXPECT_EQ(to_string(var(x) + constant(-0.0, kFloat32)), "x");
  EXPECT_EQ(to_string(var(x) * constant(1, kFloat32)), "x");
  EXPECT_EQ(to_string(var(x) * constant(0, kFloat32)), "x*0");
  EXPECT_EQ((constant(16777216, kFloat32) + constant(1, kFloat32))->number, 16777216);
  EXPECT_EQ(constant(0.1, kFloat32)->number, static_cast<double>(0.1F));
}

TEST(Expr, OperandsOfDifferentDtypesAreABug) {
  EXPECT_THROW(constant(1, kFloat32) + integer(1), InternalError);
  EXPECT_THROW(op(ScalarOp::k_add, {integer(1)}), InternalError);
  EXPECT_THROW(select(integer(1), integer(1), integer(2)), InternalError);
}

TEST(Expr, EqualIsStructuralAndLinearInShareness) {
  VarRef x = make_var("x", kFloat32);
  Expr a = var(x), b = var(x);
  for (int i = 0; i < 60; ++i) {  // 2^60 paths
    a = a + a;
    b = b + b;
  }
  EXPECT_TRUE(equal(a, b));
  EXPECT_FALSE(equal(a, b + b));
  EXPECT_FALSE(equal(var(x), var(make_var("x", kFloat32))));
  EXPECT_FALSE(equal(constant(0.0, kFloat32) * var(x), constant(-0.0, kFloat32) * var(x)));
  int nodes = 0;
  visit(a, [&](const ExprNode&) { ++nodes; });
  EXPECT_EQ(nodes, 61);
}

TEST(Expr, SubstituteRefoldsWhatItTouches) {
  VarRef i = make_var("i"), j = make_var("j");
  Expr e = (var(i) * 8 + var(j)) / 4;
  EXPECT_EQ(to_string(substitute(e, j, integer(5))), "i*2 + 1");
  EXPECT_EQ(substitute(e, make_var("k"), integer(0)).get(), e.get());
}

TEST(Expr, AffineIn) {
  VarRef i = make_var("i"), j = make_var("j");
  Expr n = dim(ir::Dim::symbol("N"));
  std::optional<Affine> a = affine_in((var(i) + 2) * n + var(j) * 3 - var(i), i);
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(to_string(a->coefficient), "N-1");
  EXPECT_EQ(to_string(a->rest), "j*3 + 2*N");
  EXPECT_FALSE(affine_in(var(i) * var(i), i).has_value());
  EXPECT_FALSE(affine_in(var(i) / 2, i).has_value());
  std::optional<Affine> constant_part = affine_in(var(j) / 2, i);
  ASSERT_TRUE(constant_part.has_value());
  EXPECT_EQ(as_integer(constant_part->coefficient), 0);
}

}  // namespace
}  // namespace mica::loop
