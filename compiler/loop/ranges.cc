#include "compiler/loop/ranges.h"

#include <algorithm>

namespace mica::loop {
namespace {

bool is_op(const Expr& e, ScalarOp op) { return e->kind == ExprKind::kOp && e->op == op; }

std::optional<ir::Dim> sum(const std::optional<ir::Dim>& a, const std::optional<ir::Dim>& b) {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

void accumulate(const Expr& e, const ir::Dim& factor, LinearForm& form) {
  if (std::optional<ir::Dim> value = constant_dim(e)) {
    form.constant = form.constant + *value * factor;
  } else if (is_op(e, ScalarOp::k_add) || is_op(e, ScalarOp::k_sub)) {
    accumulate(e->args[0], factor, form);
    accumulate(e->args[1], e->op == ScalarOp::k_add ? factor : ir::Dim(-1) * factor, form);
  } else if (is_op(e, ScalarOp::k_neg)) {
    accumulate(e->args[0], ir::Dim(-1) * factor, form);
  } else if (is_op(e, ScalarOp::k_mul) && constant_dim(e->args[1])) {
    accumulate(e->args[0], *constant_dim(e->args[1]) * factor, form);
  } else {
    form.add(e, factor);
  }
}

bool is_negative(const ir::Dim& d) { return !d.is(0) && known_non_negative(ir::Dim(-1) * d); }

}  // namespace

std::optional<ir::Dim> constant_dim(const Expr& e) {
  if (e->kind == ExprKind::kDim) return e->dim;
  if (std::optional<std::int64_t> value = as_integer(e); value && e->dtype == kInt64) return ir::Dim(*value);
  return std::nullopt;
}

void LinearForm::add(const Expr& atom, const ir::Dim& coefficient) {
  auto it = std::find_if(terms.begin(), terms.end(), [&](const auto& term) { return equal(term.first, atom); });
  if (it == terms.end()) {
    if (!coefficient.is(0)) terms.emplace_back(atom, coefficient);
    return;
  }
  it->second = it->second + coefficient;
  if (it->second.is(0)) terms.erase(it);
}

Expr LinearForm::to_expr() const {
  Expr result;
  for (bool negative : {false, true}) {  // differences print better than sums of negative products
    for (const auto& [atom, coefficient] : terms) {
      if (is_negative(coefficient) != negative) continue;
      if (!negative) {
        Expr product = atom * dim(coefficient);
        result = result ? result + product : product;
      } else if (result) {
        result = result - atom * dim(ir::Dim(-1) * coefficient);
      } else {
        result = dim(constant) - atom * dim(ir::Dim(-1) * coefficient);
        for (const auto& [other, factor] : terms) {
          if (other != atom) result = result - other * dim(ir::Dim(-1) * factor);
        }
        return result;
      }
    }
  }
  return result ? result + dim(constant) : dim(constant);
}

LinearForm linear_form(const Expr& e) {
  LinearForm form;
  accumulate(e, 1, form);
  return form;
}

bool known_non_negative(const ir::Dim& d) {
  const std::vector<ir::Dim::Term> terms = d.terms();
  return std::all_of(terms.begin(), terms.end(), [](const ir::Dim::Term& term) { return term.coefficient >= 0; });
}

bool known_at_most(const std::optional<ir::Dim>& a, const std::optional<ir::Dim>& b) {
  return a && b && known_non_negative(*b - *a);
}

void Ranges::set_loop(const VarRef& v, const Expr& begin, const Expr& extent) {
  Range first = of(begin), count = of(extent);
  set(v, {first.low, sum(sum(first.high, count.high), ir::Dim(-1))});
}

Range Ranges::of(const Expr& e) const {
  if (!(e->dtype == kInt64)) return {};
  LinearForm form = linear_form(e);
  Range total{form.constant, form.constant};
  for (const auto& [atom, coefficient] : form.terms) {
    Range part = of_atom(atom);
    if (is_negative(coefficient)) std::swap(part.low, part.high);
    if (!is_negative(coefficient) && !known_non_negative(coefficient)) part = {};
    auto scaled = [&, factor = coefficient](const std::optional<ir::Dim>& bound) {
      return bound ? std::optional(*bound * factor) : std::nullopt;
    };
    total = {sum(total.low, scaled(part.low)), sum(total.high, scaled(part.high))};
  }
  return total;
}

Range Ranges::of_atom(const Expr& e) const {
  if (e->kind == ExprKind::kVar) {
    auto it = vars_.find(e->var.get());
    return it == vars_.end() ? Range{} : it->second;
  }
  if (e->kind != ExprKind::kOp || e->args.size() != 2) return {};
  const Range a = of(e->args[0]), b = of(e->args[1]);
  auto either = [](const std::optional<ir::Dim>& x, const std::optional<ir::Dim>& y) { return x ? x : y; };
  auto lesser = [](const std::optional<ir::Dim>& x, const std::optional<ir::Dim>& y) {
    return known_at_most(x, y) ? x : known_at_most(y, x) ? y : std::nullopt;
  };
  auto greater = [](const std::optional<ir::Dim>& x, const std::optional<ir::Dim>& y) {
    return known_at_most(x, y) ? y : known_at_most(y, x) ? x : std::nullopt;
  };
  switch (e->op) {
    case ScalarOp::k_floor_div:
      return of_quotient(a, e->args[1]);
    case ScalarOp::k_mod:
      return of_remainder(a, e->args[1]);
    case ScalarOp::k_min: {
      // Any upper bound of one operand bounds the minimum; a constant says most.
      std::optional<ir::Dim> high = lesser(a.high, b.high);
      if (!high) high = a.high && a.high->is_static() ? a.high : either(b.high, a.high);
      return {lesser(a.low, b.low), high};
    }
    case ScalarOp::k_max: {
      std::optional<ir::Dim> low = greater(a.low, b.low);
      if (!low) low = a.low && a.low->is_static() ? a.low : either(b.low, a.low);
      return {low, greater(a.high, b.high)};
    }
    default:
      return {};
  }
}

Range Ranges::of_quotient(const Range& x, const Expr& divisor) const {
  std::optional<ir::Dim> d = constant_dim(divisor);
  if (!d) return {};
  if (d->is_static()) {
    if (d->value() <= 0) return {};
    auto quotient = [&](const std::optional<ir::Dim>& bound) {
      return bound ? std::optional(ir::Dim::floor_div(*bound, d->value())) : std::nullopt;
    };
    return {quotient(x.low), quotient(x.high)};
  }
  Range range;
  if (known_at_most(ir::Dim(0), x.low)) range.low = ir::Dim(0);
  // (q*d - 1) / d is q - 1.
  std::optional<ir::Dim> count = x.high ? ir::Dim::exact_div(*x.high + 1, *d) : std::nullopt;
  if (count) range.high = *count - 1;
  return range;
}

Range Ranges::of_remainder(const Range& x, const Expr& divisor) const {
  std::optional<ir::Dim> d = constant_dim(divisor);
  if (!d || (d->is_static() && d->value() <= 0)) return {};
  const ir::Dim last = *d - 1;
  const bool inside = known_at_most(ir::Dim(0), x.low) && known_at_most(x.high, last);
  return inside ? x : Range{ir::Dim(0), last};
}

}  // namespace mica::loop
