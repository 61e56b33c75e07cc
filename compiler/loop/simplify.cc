#include "compiler/loop/simplify.h"

#include <unordered_map>

#include "compiler/loop/access.h"
#include "compiler/loop/rebuild.h"

namespace mica::loop {
namespace {

bool is_op(const Expr& e, ScalarOp op) { return e->kind == ExprKind::kOp && e->op == op; }
bool is_index(const Expr& e) { return e->dtype == kInt64; }

// A positive constant, or a dim (dims that divide are not 0 where anything runs).
std::optional<ir::Dim> divisor_of(const Expr& e) {
  if ((!is_op(e, ScalarOp::k_floor_div) && !is_op(e, ScalarOp::k_mod)) || !is_index(e)) return std::nullopt;
  std::optional<ir::Dim> d = constant_dim(e->args[1]);
  if (!d || !known_non_negative(*d) || d->is(0)) return std::nullopt;
  return d;
}

bool is_below(const Expr& e, const ir::Dim& limit, const Ranges& ranges) {
  Range range = ranges.of(e);
  return known_at_most(ir::Dim(0), range.low) && known_at_most(range.high, limit - 1);
}

// e == whole * divisor + rest, with as much as possible in `whole`.
struct Division {
  LinearForm whole, rest;
};
Division divide_terms(const Expr& e, const ir::Dim& divisor) {
  Division division;
  LinearForm form = linear_form(e);
  for (const auto& [atom, coefficient] : form.terms) {
    std::optional<ir::Dim> quotient = ir::Dim::exact_div(coefficient, divisor);
    (quotient ? division.whole : division.rest).add(atom, quotient.value_or(coefficient));
  }
  std::optional<ir::Dim> quotient = ir::Dim::exact_div(form.constant, divisor);
  if (quotient) {
    division.whole.constant = *quotient;
  } else {
    division.rest.constant = form.constant;
  }
  return division;
}

Expr quotient_of_multiple(const Expr& e, const Ranges& ranges) {
  std::optional<ir::Dim> d = is_op(e, ScalarOp::k_floor_div) ? divisor_of(e) : std::nullopt;
  if (!d) return nullptr;
  if (is_below(e->args[0], *d, ranges)) return integer(0);
  Division division = divide_terms(e->args[0], *d);
  Expr whole = division.whole.to_expr(), rest = division.rest.to_expr();
  if (is_below(rest, *d, ranges)) return whole;
  return as_integer(whole) == 0 ? nullptr : whole + rest / dim(*d);
}

Expr remainder_of_multiple(const Expr& e, const Ranges& ranges) {
  std::optional<ir::Dim> d = is_op(e, ScalarOp::k_mod) ? divisor_of(e) : std::nullopt;
  if (!d) return nullptr;
  if (is_below(e->args[0], *d, ranges)) return e->args[0];
  Division division = divide_terms(e->args[0], *d);
  Expr rest = division.rest.to_expr();
  if (is_below(rest, *d, ranges)) return rest;
  return as_integer(division.whole.to_expr()) == 0 ? nullptr : rest % dim(*d);
}

Expr quotient_of_quotient(const Expr& e, const Ranges&) {
  std::optional<ir::Dim> outer = is_op(e, ScalarOp::k_floor_div) ? divisor_of(e) : std::nullopt;
  if (!outer || !is_op(e->args[0], ScalarOp::k_floor_div)) return nullptr;
  std::optional<ir::Dim> inner = divisor_of(e->args[0]);
  return inner ? e->args[0]->args[0] / dim(*inner * *outer) : nullptr;
}

Expr remainder_of_remainder(const Expr& e, const Ranges&) {
  std::optional<ir::Dim> outer = is_op(e, ScalarOp::k_mod) ? divisor_of(e) : std::nullopt;
  if (!outer || !is_op(e->args[0], ScalarOp::k_mod)) return nullptr;
  std::optional<ir::Dim> inner = divisor_of(e->args[0]);
  return inner && ir::Dim::exact_div(*inner, *outer) ? e->args[0]->args[0] % dim(*outer) : nullptr;
}

Expr quotient_of_remainder(const Expr& e, const Ranges&) {
  std::optional<ir::Dim> outer = is_op(e, ScalarOp::k_floor_div) ? divisor_of(e) : std::nullopt;
  if (!outer || !is_op(e->args[0], ScalarOp::k_mod)) return nullptr;
  std::optional<ir::Dim> inner = divisor_of(e->args[0]);
  std::optional<ir::Dim> count = inner ? ir::Dim::exact_div(*inner, *outer) : std::nullopt;
  return count ? e->args[0]->args[0] / dim(*outer) % dim(*count) : nullptr;
}

// Puts x/n*n + x%n together again; true when it did.
bool recombine(LinearForm& form) {
  for (const auto& [atom, coefficient] : form.terms) {
    std::optional<ir::Dim> d = is_op(atom, ScalarOp::k_mod) ? divisor_of(atom) : std::nullopt;
    if (!d) continue;
    const Expr remainder = atom, x = atom->args[0];
    const ir::Dim factor = coefficient;
    Expr quotient = x / dim(*d);
    if (is_op(x, ScalarOp::k_floor_div) && divisor_of(x)) quotient = x->args[0] / dim(*divisor_of(x) * *d);
    for (const auto& [other, scale] : form.terms) {
      if (!(scale == factor * *d) || !equal(other, quotient)) continue;
      const Expr whole = other;
      form.add(whole, ir::Dim(-1) * factor * *d);
      form.add(remainder, ir::Dim(-1) * factor);
      LinearForm joined = linear_form(x * dim(factor));
      for (const auto& [part, times] : joined.terms) form.add(part, times);
      form.constant = form.constant + joined.constant;
      return true;
    }
  }
  return false;
}

bool is_sum(const Expr& e) {
  return is_index(e) && (is_op(e, ScalarOp::k_add) || is_op(e, ScalarOp::k_sub) || is_op(e, ScalarOp::k_neg) ||
                         (is_op(e, ScalarOp::k_mul) && constant_dim(e->args[1])));
}

Expr quotient_and_remainder(const Expr& e, const Ranges&) {
  if (!is_sum(e)) return nullptr;
  LinearForm form = linear_form(e);
  return recombine(form) ? form.to_expr() : nullptr;
}

Expr like_terms(const Expr& e, const Ranges&) {
  if (!is_sum(e)) return nullptr;
  Expr result = linear_form(e).to_expr();
  return equal(result, e) ? nullptr : result;
}

Expr minimum_of_ordered(const Expr& e, const Ranges& ranges) {
  if (!is_index(e) || (!is_op(e, ScalarOp::k_min) && !is_op(e, ScalarOp::k_max))) return nullptr;
  const Range a = ranges.of(e->args[0]), b = ranges.of(e->args[1]);
  const bool minimum = e->op == ScalarOp::k_min;
  if (known_at_most(a.high, b.low)) return e->args[minimum ? 0 : 1];
  if (known_at_most(b.high, a.low)) return e->args[minimum ? 1 : 0];
  return nullptr;
}

Expr comparison_of_ordered(const Expr& e, const Ranges& ranges) {
  if (e->kind != ExprKind::kOp || info(e->op).type_rule != ScalarClass::kCompare || !is_index(e->args[0])) {
    return nullptr;
  }
  const Range difference = ranges.of(e->args[0] - e->args[1]);
  const bool at_most = known_at_most(difference.high, ir::Dim(0)), below = known_at_most(difference.high, ir::Dim(-1));
  const bool at_least = known_at_most(ir::Dim(0), difference.low), above = known_at_most(ir::Dim(1), difference.low);
  auto decided = [](bool yes, bool no) { return yes || no ? integer(yes, kBool) : nullptr; };
  switch (e->op) {
    case ScalarOp::k_lt:
      return decided(below, at_least);
    case ScalarOp::k_le:
      return decided(at_most, above);
    case ScalarOp::k_gt:
      return decided(above, at_most);
    case ScalarOp::k_ge:
      return decided(at_least, below);
    case ScalarOp::k_eq:
      return decided(false, below || above);
    case ScalarOp::k_ne:
      return decided(below || above, false);
    default:
      return nullptr;
  }
}

constexpr IndexRule kRules[] = {
    {"quotient-below-divisor", "j/16", "0", "j/15", quotient_of_multiple},
    {"quotient-of-multiple", "(i*N + k)/N", "i", "m/N", quotient_of_multiple},
    {"remainder-below-divisor", "j % 16", "j", "j % 15", remainder_of_multiple},
    {"remainder-of-multiple", "(i*N + k) % N", "k", "m % N", remainder_of_multiple},
    {"quotient-of-quotient", "k/4/3", "k/12", "(k/4 + 1)/3", quotient_of_quotient},
    {"remainder-of-remainder", "k % 12 % 4", "k % 4", "k % 12 % 5", remainder_of_remainder},
    {"quotient-of-remainder", "(k % 12)/4", "k/4 % 3", "(k % 12)/5", quotient_of_remainder},
    {"quotient-and-remainder", "k/16*16 + k % 16", "k", "k/16*15 + k % 16", quotient_and_remainder},
    {"like-terms", "(i + j)*2 + i", "i*3 + j*2", "i*3 + j*2", like_terms},
    {"minimum-of-ordered", "min(j, 16)", "j", "min(j, 14)", minimum_of_ordered},
    {"maximum-of-ordered", "max(k, 0)", "k", "max(k, 1)", minimum_of_ordered},
    {"comparison-of-ordered", "k < N", "true", "k < T", comparison_of_ordered},
};

class ExprSimplifier {
 public:
  explicit ExprSimplifier(const Ranges& ranges) : ranges_(ranges) {}

  Expr run(const Expr& e) {
    if (e->args.empty()) return e;
    if (auto it = done_.find(e); it != done_.end()) return it->second;
    Expr simpler = map_operands(e, [this](const Expr& operand) { return run(operand); });
    for (int step = 0; step < kMaxSteps; ++step) {
      Expr next = apply_rules(simpler);
      if (next == nullptr) break;
      simpler = run(next);
    }
    return done_[e] = simpler;
  }

 private:
  static constexpr int kMaxSteps = 16;

  Expr apply_rules(const Expr& e) const {
    if (e->args.empty() || !is_index(e->args[0])) return nullptr;
    for (const IndexRule& rule : kRules) {
      if (Expr result = rule.apply(e, ranges_); result && !equal(result, e)) return result;
    }
    return nullptr;
  }

  const Ranges& ranges_;
  std::unordered_map<Expr, Expr> done_;
};

class KernelSimplifier {
 public:
  Kernel run(const Kernel& kernel) {
    Kernel result = kernel;
    result.body = statement(kernel.body);
    if (result.body == nullptr) result.body = block({});
    return result;
  }

 private:
  Expr expr(const Expr& e) const { return e ? ExprSimplifier(ranges_).run(e) : nullptr; }

  // Null when nothing is left.
  StmtRef statement(const StmtRef& stmt) {
    switch (stmt->kind) {
      case StmtKind::kBlock:
        return statements(stmt->children, 0);
      case StmtKind::kFor:
        return loop(*stmt);
      case StmtKind::kIf:
        return condition(*stmt);
      case StmtKind::kFail:
        if (as_integer(expr(stmt->value)) == 0) return nullptr;
        [[fallthrough]];
      default:
        return map_exprs(stmt, [&](const Expr& e) { return expr(e); });
    }
  }

  StmtRef statements(const std::vector<StmtRef>& children, std::size_t from) {
    std::vector<StmtRef> out;
    for (std::size_t i = from; i < children.size(); ++i) {
      const Stmt& child = *children[i];
      if (child.kind == StmtKind::kLet) {
        Expr value = expr(child.value);
        if (value->args.empty()) {  // a name for a name
          std::vector<StmtRef> rest;
          for (std::size_t k = i + 1; k < children.size(); ++k)
            rest.push_back(substitute(children[k], child.var, value));
          if (StmtRef tail = statements(rest, 0)) out.push_back(std::move(tail));
          break;
        }
        if (child.var->dtype == kInt64) ranges_.set(child.var, ranges_.of(value));
      }
      StmtRef kept = statement(children[i]);
      if (kept == nullptr) continue;
      if (kept->kind == StmtKind::kBlock) {
        out.insert(out.end(), kept->children.begin(), kept->children.end());
      } else {
        out.push_back(std::move(kept));
      }
    }
    return out.empty() ? nullptr : block(std::move(out));
  }

  StmtRef loop(const Stmt& stmt) {
    auto copy = std::make_shared<Stmt>(stmt);
    copy->begin = expr(stmt.begin);
    copy->extent = expr(stmt.extent);
    const bool removable =
        stmt.loop == LoopKind::kSerial || stmt.loop == LoopKind::kVector || stmt.loop == LoopKind::kUnroll;
    const std::optional<std::int64_t> extent = as_integer(copy->extent);
    if (removable && extent && *extent <= 0) return nullptr;
    if (removable && extent == 1) return statement(substitute(stmt.children[0], stmt.var, copy->begin));
    ranges_.set_loop(stmt.var, copy->begin, copy->extent);
    StmtRef body = statement(stmt.children[0]);
    if (body == nullptr && removable) return nullptr;
    copy->children[0] = body ? body : block({});
    return copy;
  }

  StmtRef condition(const Stmt& stmt) {
    Expr test = expr(stmt.value);
    StmtRef otherwise = stmt.children.size() > 1 ? stmt.children[1] : nullptr;
    if (std::optional<std::int64_t> known = as_integer(test)) {
      const StmtRef& chosen = *known ? stmt.children[0] : otherwise;
      return chosen ? statement(chosen) : nullptr;
    }
    StmtRef then = statement(stmt.children[0]);
    if (otherwise) otherwise = statement(otherwise);
    if (then == nullptr && otherwise == nullptr) return nullptr;
    if (then == nullptr) return if_then(op(ScalarOp::k_bit_not, {test}), otherwise);
    return if_then(test, then, otherwise);
  }

  Ranges ranges_;
};

}  // namespace

std::span<const IndexRule> index_rules() { return kRules; }

Expr simplify(const Expr& e, const Ranges& ranges) { return ExprSimplifier(ranges).run(e); }

Kernel simplify(const Kernel& kernel) { return KernelSimplifier().run(kernel); }

}  // namespace mica::loop
