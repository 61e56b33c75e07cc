#include "compiler/loop/fold.h"

#include <cmath>

#include "compiler/loop/scalar_eval.h"

namespace mica::loop {
namespace {

bool is_constant(const Expr& e) { return e->kind == ExprKind::kConst; }
bool is_value(const Expr& e, double value) {
  if (!is_constant(e)) return false;
  return e->dtype.is_floating() ? e->number == value && !std::signbit(e->number)
                                : static_cast<double>(e->integer) == value;
}
bool is_negative_zero(const Expr& e) {
  return is_constant(e) && e->dtype.is_floating() && e->number == 0 && std::signbit(e->number);
}
bool is_op(const Expr& e, ScalarOp op) { return e->kind == ExprKind::kOp && e->op == op; }

Expr fold_constants(ScalarOp op, const Exprs& operands) {
  const std::size_t count = operands.size();
  const bool compare = info(op).type_rule == ScalarClass::kCompare;
  const DType dtype = operands[0]->dtype;
  if (dtype.is_floating()) {
    double values[3] = {};
    for (std::size_t i = 0; i < count; ++i) values[i] = operands[i]->number;
    if (compare) return integer(compare_float(op, values), kBool);
    return constant(evaluate_float(op, dtype, values), dtype);
  }
  std::int64_t values[3] = {};
  for (std::size_t i = 0; i < count; ++i) values[i] = operands[i]->integer;
  if (compare) return integer(compare_integer(op, dtype, values), kBool);
  return integer(evaluate_integer(op, dtype, values), dtype);
}

// Polynomials of dims stay one node, so that their text and their evaluation are the dim's own.
std::optional<ir::Dim> as_dim(const Expr& e) {
  if (e->kind == ExprKind::kDim) return e->dim;
  if (e->dtype == kInt64 && is_constant(e)) return ir::Dim(e->integer);
  return std::nullopt;
}

Expr fold_dims(ScalarOp op, const Exprs& operands) {
  std::optional<ir::Dim> a = as_dim(operands[0]);
  if (!a) return nullptr;
  if (op == ScalarOp::k_neg) return dim(ir::Dim(0) - *a);
  std::optional<ir::Dim> b = operands.size() == 2 ? as_dim(operands[1]) : std::nullopt;
  if (!b) return nullptr;
  const bool positive_divisor = b->is_static() && b->value() > 0;
  switch (op) {
    case ScalarOp::k_add:
      return dim(*a + *b);
    case ScalarOp::k_sub:
      return dim(*a - *b);
    case ScalarOp::k_mul:
      return dim(*a * *b);
    case ScalarOp::k_floor_div:
      return positive_divisor ? dim(ir::Dim::floor_div(*a, b->value())) : nullptr;
    case ScalarOp::k_mod:
      return positive_divisor ? dim(*a - *b * ir::Dim::floor_div(*a, b->value())) : nullptr;
    case ScalarOp::k_eq:
      return *a == *b ? integer(1, kBool) : nullptr;
    default:
      return nullptr;
  }
}

bool is_commutative(ScalarOp op, DType dtype) {
  switch (op) {
    case ScalarOp::k_add:
    case ScalarOp::k_mul:
    case ScalarOp::k_eq:
    case ScalarOp::k_ne:
    case ScalarOp::k_bit_and:
    case ScalarOp::k_bit_or:
    case ScalarOp::k_bit_xor:
      return true;
    case ScalarOp::k_max:
    case ScalarOp::k_min:
      return !dtype.is_floating();  // max(-0, 0) gives its second operand
    default:
      return false;
  }
}

std::optional<ScalarOp> mirrored(ScalarOp op) {
  switch (op) {
    case ScalarOp::k_lt:
      return ScalarOp::k_gt;
    case ScalarOp::k_le:
      return ScalarOp::k_ge;
    case ScalarOp::k_gt:
      return ScalarOp::k_lt;
    case ScalarOp::k_ge:
      return ScalarOp::k_le;
    default:
      return std::nullopt;
  }
}

int order_of(const Expr& e) { return is_constant(e) ? 2 : e->kind == ExprKind::kDim ? 1 : 0; }

Expr fold_add(const Expr& a, const Expr& b) {
  if (is_negative_zero(b)) return a;
  if (a->dtype.is_floating()) return nullptr;
  if (is_value(b, 0)) return a;
  if (a->dtype == kInt64 && is_constant(b) && is_op(a, ScalarOp::k_add) && is_constant(a->args[1])) {
    return a->args[0] + (a->args[1] + b);
  }
  return nullptr;
}

Expr fold_sub(const Expr& a, const Expr& b) {
  if (is_value(b, 0)) return a;
  if (a->dtype != kInt64) return nullptr;
  if (equal(a, b)) return integer(0);
  if (is_constant(b)) return a + integer(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(b->integer)));
  if (is_op(a, ScalarOp::k_add) && equal(a->args[0], b)) return a->args[1];
  if (is_op(a, ScalarOp::k_add) && equal(a->args[1], b)) return a->args[0];
  return nullptr;
}

Expr fold_mul(const Expr& a, const Expr& b) {
  if (is_value(b, 1)) return a;
  if (a->dtype.is_floating()) return nullptr;
  if (is_value(b, 0)) return b;
  if (a->dtype == kInt64 && is_constant(b) && is_op(a, ScalarOp::k_mul) && is_constant(a->args[1])) {
    return a->args[0] * (a->args[1] * b);
  }
  return nullptr;
}

bool is_multiple(const Expr& e, std::int64_t n) {
  if (is_constant(e)) return e->integer % n == 0;
  return is_op(e, ScalarOp::k_mul) && is_constant(e->args[1]) && e->args[1]->integer % n == 0;
}

Expr exact_quotient(const Expr& e, std::int64_t n) {
  if (is_constant(e)) return integer(e->integer / n);
  return e->args[0] * (e->args[1]->integer / n);
}

// (x*n + y)/n is x + y/n and (x*n + y)%n is y%n for every y, because both round down.
Expr fold_division(ScalarOp op, const Expr& a, const Expr& b) {
  const bool quotient = op == ScalarOp::k_floor_div;
  if (is_value(b, 1)) return quotient ? a : integer(0, a->dtype);
  if (a->dtype != kInt64 || !is_constant(b) || b->integer <= 0) return nullptr;
  const std::int64_t n = b->integer;
  if (is_multiple(a, n)) return quotient ? exact_quotient(a, n) : integer(0);
  if (!is_op(a, ScalarOp::k_add)) return nullptr;
  for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    const Expr &whole = a->args[i], &rest = a->args[1 - i];
    if (!is_multiple(whole, n)) continue;
    return quotient ? exact_quotient(whole, n) + rest / n : rest % n;
  }
  return nullptr;
}

Expr fold_logic(ScalarOp op, const Expr& a, const Expr& b) {
  if (equal(a, b)) return op == ScalarOp::k_bit_xor ? integer(0, a->dtype) : a;
  if (is_value(b, 0)) return op == ScalarOp::k_bit_and ? b : a;
  if (a->dtype.is_bool() && is_value(b, 1) && op != ScalarOp::k_bit_xor) return op == ScalarOp::k_bit_and ? a : b;
  return nullptr;
}

Expr fold_comparison(ScalarOp op, const Expr& a, const Expr& b) {
  if (a->dtype.is_floating() || !equal(a, b)) return nullptr;
  return integer(op == ScalarOp::k_eq || op == ScalarOp::k_le || op == ScalarOp::k_ge, kBool);
}

Expr fold_identity(ScalarOp op, const Exprs& x) {
  switch (op) {
    case ScalarOp::k_add:
      return fold_add(x[0], x[1]);
    case ScalarOp::k_sub:
      return fold_sub(x[0], x[1]);
    case ScalarOp::k_mul:
      return fold_mul(x[0], x[1]);
    case ScalarOp::k_div:
      return is_value(x[1], 1) ? x[0] : nullptr;
    case ScalarOp::k_floor_div:
    case ScalarOp::k_mod:
      return x[0]->dtype.is_floating() ? nullptr : fold_division(op, x[0], x[1]);
    case ScalarOp::k_max:
    case ScalarOp::k_min:
      return equal(x[0], x[1]) ? x[0] : nullptr;
    case ScalarOp::k_neg:
    case ScalarOp::k_bit_not:
      return is_op(x[0], op) ? x[0]->args[0] : nullptr;
    case ScalarOp::k_bit_and:
    case ScalarOp::k_bit_or:
    case ScalarOp::k_bit_xor:
      return fold_logic(op, x[0], x[1]);
    case ScalarOp::k_shl:
    case ScalarOp::k_shr:
      return is_value(x[1], 0) ? x[0] : nullptr;
    case ScalarOp::k_eq:
    case ScalarOp::k_ne:
    case ScalarOp::k_lt:
    case ScalarOp::k_le:
    case ScalarOp::k_gt:
    case ScalarOp::k_ge:
      return fold_comparison(op, x[0], x[1]);
    default:
      return nullptr;
  }
}

}  // namespace

Expr fold(ScalarOp op, Exprs& operands) {
  if (op == ScalarOp::k_select) {
    if (is_constant(operands[0])) return operands[operands[0]->integer ? 1 : 2];
    return equal(operands[1], operands[2]) ? operands[1] : nullptr;
  }
  bool all_constant = true;
  for (const Expr& operand : operands) all_constant &= is_constant(operand);
  if (all_constant) return fold_constants(op, operands);
  if (Expr folded = fold_dims(op, operands)) return folded;
  if (operands.size() == 2 && order_of(operands[0]) > order_of(operands[1])) {
    if (std::optional<ScalarOp> other = mirrored(op)) return loop::op(*other, {operands[1], operands[0]});
    if (is_commutative(op, operands[0]->dtype)) std::swap(operands[0], operands[1]);
  }
  return fold_identity(op, operands);
}

}  // namespace mica::loop
