// Makers of expressions, with the folding that is free, and the walks over them. Printing is in print.cc.
#include "compiler/loop/expr.h"

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/loop/fold.h"
#include "compiler/loop/kernel.h"
#include "compiler/loop/rebuild.h"
#include "compiler/loop/scalar_eval.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

Expr make(ExprNode node) { return std::make_shared<const ExprNode>(std::move(node)); }

DType result_type(ScalarOp op, const Exprs& operands) {
  switch (info(op).type_rule) {
    case ScalarClass::kCompare:
      return kBool;
    case ScalarClass::kSelect:
      return operands[1]->dtype;
    default:
      return operands[0]->dtype;
  }
}

void check_operands(ScalarOp op, const Exprs& operands) {
  const ScalarOpInfo& facts = info(op);
  MICA_CHECK(static_cast<int>(operands.size()) == facts.arity)
      << facts.name << " takes " << facts.arity << " operands, received " << operands.size();
  for (const Expr& operand : operands) MICA_CHECK(operand != nullptr) << "operand of " << facts.name;
  const std::size_t first = facts.type_rule == ScalarClass::kSelect ? 1 : 0;
  if (first == 1) {
    MICA_CHECK(operands[0]->dtype == kBool) << "select on " << operands[0]->dtype.short_name();
  }
  for (std::size_t i = first; i < operands.size(); ++i) {
    MICA_CHECK(operands[i]->dtype == operands[first]->dtype)
        << facts.name << " of " << operands[first]->dtype.short_name() << " and " << operands[i]->dtype.short_name();
  }
}

}  // namespace

const char* to_string(Reducer reducer) {
  constexpr const char* kNames[] = {"sum", "prod", "max", "min", "any", "all"};
  return kNames[static_cast<std::size_t>(reducer)];
}

VarRef make_var(std::string name, DType dtype) { return std::make_shared<const Var>(Var{std::move(name), dtype}); }

Expr constant(double value, DType dtype) {
  if (!dtype.is_floating()) return integer(float_to_integer(value, dtype), dtype);
  return make({.kind = ExprKind::kConst, .dtype = dtype, .number = round_to(value, dtype)});
}

Expr integer(std::int64_t value, DType dtype) {
  if (dtype.is_floating()) return constant(static_cast<double>(value), dtype);
  return make({.kind = ExprKind::kConst, .dtype = dtype, .integer = wrap_to(value, dtype)});
}

Expr var(const VarRef& v) { return make({.kind = ExprKind::kVar, .dtype = v->dtype, .var = v}); }

Expr dim(const ir::Dim& d) {
  if (d.is_static()) return integer(d.value());
  return make({.kind = ExprKind::kDim, .dtype = kInt64, .dim = d});
}

Expr load(const std::shared_ptr<const Buffer>& buffer, Exprs index) {
  return make({.kind = ExprKind::kLoad, .dtype = buffer->dtype, .buffer = buffer, .args = std::move(index)});
}

Expr read(int slot, DType dtype, Exprs index) {
  return make({.kind = ExprKind::kRead, .dtype = dtype, .slot = slot, .args = std::move(index)});
}

Expr op(ScalarOp op, Exprs operands) {
  check_operands(op, operands);
  if (Expr folded = fold(op, operands)) return folded;
  DType dtype = result_type(op, operands);
  return make({.kind = ExprKind::kOp, .dtype = dtype, .op = op, .args = std::move(operands)});
}

Expr cast(const Expr& x, DType dtype) {
  if (x->dtype == dtype) return x;
  if (x->kind == ExprKind::kConst) {
    if (x->dtype.is_floating()) return constant(x->number, dtype);
    return dtype.is_floating() ? constant(integer_to_float(x->integer, x->dtype, dtype), dtype)
                               : integer(x->integer, dtype);
  }
  return make({.kind = ExprKind::kCast, .dtype = dtype, .args = {x}});
}

Expr bitcast(const Expr& x, DType dtype) {
  MICA_CHECK(x->dtype.bytes() == dtype.bytes())
      << "bitcast of " << x->dtype.short_name() << " to " << dtype.short_name();
  if (x->dtype == dtype) return x;
  if (x->kind == ExprKind::kBitcast && x->args[0]->dtype == dtype) return x->args[0];
  return make({.kind = ExprKind::kBitcast, .dtype = dtype, .args = {x}});
}

Expr reduce(Reducer reducer, std::vector<VarRef> vars, std::vector<ir::Dim> extents, const Expr& body) {
  MICA_CHECK(vars.size() == extents.size()) << vars.size() << " variables over " << extents.size() << " extents";
  return make({.kind = ExprKind::kReduce,
               .dtype = body->dtype,
               .reducer = reducer,
               .args = {body},
               .vars = std::move(vars),
               .extents = std::move(extents)});
}

Expr select(const Expr& condition, const Expr& a, const Expr& b) { return op(ScalarOp::k_select, {condition, a, b}); }

Expr operator+(const Expr& a, const Expr& b) { return op(ScalarOp::k_add, {a, b}); }
Expr operator-(const Expr& a, const Expr& b) { return op(ScalarOp::k_sub, {a, b}); }
Expr operator*(const Expr& a, const Expr& b) { return op(ScalarOp::k_mul, {a, b}); }
Expr operator/(const Expr& a, const Expr& b) {
  return op(a->dtype.is_floating() ? ScalarOp::k_div : ScalarOp::k_floor_div, {a, b});
}
Expr operator%(const Expr& a, const Expr& b) { return op(ScalarOp::k_mod, {a, b}); }
Expr operator-(const Expr& a) { return op(ScalarOp::k_neg, {a}); }
Expr lt(const Expr& a, const Expr& b) { return op(ScalarOp::k_lt, {a, b}); }
Expr le(const Expr& a, const Expr& b) { return op(ScalarOp::k_le, {a, b}); }
Expr eq(const Expr& a, const Expr& b) { return op(ScalarOp::k_eq, {a, b}); }
Expr logical_and(const Expr& a, const Expr& b) { return op(ScalarOp::k_bit_and, {a, b}); }
Expr logical_or(const Expr& a, const Expr& b) { return op(ScalarOp::k_bit_or, {a, b}); }
Expr min(const Expr& a, const Expr& b) { return op(ScalarOp::k_min, {a, b}); }
Expr max(const Expr& a, const Expr& b) { return op(ScalarOp::k_max, {a, b}); }

std::optional<std::int64_t> as_integer(const Expr& e) {
  if (e == nullptr || e->kind != ExprKind::kConst || e->dtype.is_floating()) return std::nullopt;
  return e->integer;
}

namespace {

bool same_payload(const ExprNode& a, const ExprNode& b) {
  return a.kind == b.kind && a.dtype == b.dtype && a.op == b.op && a.reducer == b.reducer && a.integer == b.integer &&
         float_to_bits(a.number, kFloat64) == float_to_bits(b.number, kFloat64) && a.dim == b.dim && a.var == b.var &&
         a.buffer == b.buffer && a.slot == b.slot && a.args.size() == b.args.size() && a.vars == b.vars &&
         a.extents == b.extents;
}

// Pairs known to be equal, so that comparing two graphs with much sharing stays linear.
using KnownEqual = absl::flat_hash_set<std::pair<const ExprNode*, const ExprNode*>>;

bool equal_nodes(const ExprNode* a, const ExprNode* b, KnownEqual& known) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || !same_payload(*a, *b)) return false;
  if (a->args.empty() || known.contains({a, b})) return true;
  for (std::size_t i = 0; i < a->args.size(); ++i) {
    if (!equal_nodes(a->args[i].get(), b->args[i].get(), known)) return false;
  }
  known.insert({a, b});
  return true;
}

Expr rebuild(const ExprNode& node, Exprs args) {
  switch (node.kind) {
    case ExprKind::kLoad:
      return load(node.buffer, std::move(args));
    case ExprKind::kOp:
      return op(node.op, std::move(args));
    case ExprKind::kCast:
      return cast(args[0], node.dtype);
    case ExprKind::kBitcast:
      return bitcast(args[0], node.dtype);
    default: {
      ExprNode copy = node;
      copy.args = std::move(args);
      return make(std::move(copy));
    }
  }
}

class Rewriter {
 public:
  explicit Rewriter(const std::function<Expr(const Expr&)>& replace) : replace_(replace) {}

  Expr run(const Expr& e) {
    if (auto it = done_.find(e.get()); it != done_.end()) return it->second;
    if (Expr replaced = replace_(e)) return done_[e.get()] = replaced;
    return done_[e.get()] = map_operands(e, [this](const Expr& operand) { return run(operand); });
  }

 private:
  const std::function<Expr(const Expr&)>& replace_;
  absl::flat_hash_map<const ExprNode*, Expr> done_;
};

void visit_node(const ExprNode& node, const std::function<void(const ExprNode&)>& f,
                absl::flat_hash_set<const ExprNode*>& seen) {
  if (!seen.insert(&node).second) return;
  for (const Expr& arg : node.args) visit_node(*arg, f, seen);
  f(node);
}

}  // namespace

bool equal(const Expr& a, const Expr& b) {
  KnownEqual known;
  return equal_nodes(a.get(), b.get(), known);
}

Expr map_operands(const Expr& e, const std::function<Expr(const Expr&)>& f) {
  Exprs args;
  args.reserve(e->args.size());
  bool changed = false;
  for (const Expr& arg : e->args) {
    args.push_back(f(arg));
    changed |= args.back().get() != arg.get();
  }
  return changed ? rebuild(*e, std::move(args)) : e;
}

Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& replace) { return Rewriter(replace).run(e); }

Expr substitute(const Expr& e, const VarRef& v, const Expr& value) {
  return rewrite(e, [&](const Expr& x) { return x->kind == ExprKind::kVar && x->var == v ? value : nullptr; });
}

void visit(const Expr& e, const std::function<void(const ExprNode&)>& f) {
  absl::flat_hash_set<const ExprNode*> seen;
  visit_node(*e, f, seen);
}

std::optional<Affine> affine_in(const Expr& e, const VarRef& v) {
  if (e->kind == ExprKind::kVar && e->var == v) return Affine{integer(1), integer(0)};
  std::vector<Affine> parts;
  bool depends = false;
  for (const Expr& arg : e->args) {
    std::optional<Affine> part = affine_in(arg, v);
    if (!part) return std::nullopt;
    depends |= as_integer(part->coefficient) != 0;
    parts.push_back(*std::move(part));
  }
  if (!depends) return Affine{integer(0), e};
  if (e->kind != ExprKind::kOp || e->dtype != kInt64) return std::nullopt;
  switch (e->op) {
    case ScalarOp::k_add:
      return Affine{parts[0].coefficient + parts[1].coefficient, parts[0].rest + parts[1].rest};
    case ScalarOp::k_sub:
      return Affine{parts[0].coefficient - parts[1].coefficient, parts[0].rest - parts[1].rest};
    case ScalarOp::k_neg:
      return Affine{-parts[0].coefficient, -parts[0].rest};
    case ScalarOp::k_mul: {
      const std::size_t factor = as_integer(parts[1].coefficient) == 0 ? 1 : 0;
      if (as_integer(parts[factor].coefficient) != 0) return std::nullopt;
      const Affine& scaled = parts[1 - factor];
      return Affine{scaled.coefficient * parts[factor].rest, scaled.rest * parts[factor].rest};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace mica::loop
