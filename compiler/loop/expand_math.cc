#include "compiler/loop/expand_math.h"

#include <algorithm>
#include <map>

#include "compiler/loop/access.h"
#include "compiler/loop/math_f32.h"

namespace mica::loop {
namespace {

struct Expansion {
  ScalarOp op;
  Expr (*unary)(const Expr& x);
  Expr (*binary)(const Expr& x, const Expr& y);
};
constexpr Expansion kExpansions[] = {
    {ScalarOp::k_exp, exp_f32, nullptr},       {ScalarOp::k_expm1, expm1_f32, nullptr},
    {ScalarOp::k_log, log_f32, nullptr},       {ScalarOp::k_log1p, log1p_f32, nullptr},
    {ScalarOp::k_tanh, tanh_f32, nullptr},     {ScalarOp::k_sinh, sinh_f32, nullptr},
    {ScalarOp::k_cosh, cosh_f32, nullptr},     {ScalarOp::k_asinh, asinh_f32, nullptr},
    {ScalarOp::k_acosh, acosh_f32, nullptr},   {ScalarOp::k_atanh, atanh_f32, nullptr},
    {ScalarOp::k_sin, sin_f32, nullptr},       {ScalarOp::k_cos, cos_f32, nullptr},
    {ScalarOp::k_tan, tan_f32, nullptr},       {ScalarOp::k_asin, asin_f32, nullptr},
    {ScalarOp::k_acos, acos_f32, nullptr},     {ScalarOp::k_atan, atan_f32, nullptr},
    {ScalarOp::k_atan2, nullptr, atan2_f32},   {ScalarOp::k_erf, erf_f32, nullptr},
    {ScalarOp::k_erfc, erfc_f32, nullptr},     {ScalarOp::k_pow, nullptr, pow_f32},
    {ScalarOp::k_lgamma, lgamma_f32, nullptr}, {ScalarOp::k_rsqrt, rsqrt_f32, nullptr},
};

const Expansion* find_expansion(const ExprNode& e) {
  if (e.kind != ExprKind::kOp || !e.dtype.is_floating() || e.dtype == kFloat64) return nullptr;
  auto it = std::find_if(std::begin(kExpansions), std::end(kExpansions),
                         [&](const Expansion& expansion) { return expansion.op == e.op; });
  return it == std::end(kExpansions) ? nullptr : it;
}

class Expander {
 public:
  // Shared nodes expand once, across the expressions of a kernel.
  Expr run(const Expr& e) {
    return rewrite(e, [&](const Expr& x) -> Expr {
      const Expansion* expansion = find_expansion(*x);
      if (expansion == nullptr) return nullptr;
      auto it = done_.find(x);
      return it != done_.end() ? it->second : done_[x] = expand(*expansion, *x);
    });
  }

 private:
  Expr expand(const Expansion& expansion, const ExprNode& e) {
    Exprs args;
    for (const Expr& arg : e.args) args.push_back(cast(run(arg), kFloat32));
    return cast(expansion.unary ? expansion.unary(args[0]) : expansion.binary(args[0], args[1]), e.dtype);
  }

  std::map<Expr, Expr> done_;
};

}  // namespace

Expr expand_math(const Expr& e) { return Expander().run(e); }

Kernel expand_math(const Kernel& kernel) {
  Expander expander;
  Kernel result = kernel;
  result.body = map_exprs(kernel.body, [&](const Expr& e) { return expander.run(e); });
  return result;
}

}  // namespace mica::loop
