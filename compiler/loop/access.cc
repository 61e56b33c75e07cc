#include "compiler/loop/access.h"

#include <algorithm>
#include <set>

namespace mica::loop {
namespace {

bool is_integer_op(const Expr& e, ScalarOp op) { return e->kind == ExprKind::kOp && e->op == op && e->dtype == kInt64; }

}  // namespace

std::optional<ir::Dim> as_dim(const Expr& e) {
  if (std::optional<std::int64_t> value = as_integer(e)) return ir::Dim(*value);
  if (e->kind == ExprKind::kDim) return e->dim;
  if (e->kind != ExprKind::kOp || e->args.size() != 2) return std::nullopt;
  std::optional<ir::Dim> a = as_dim(e->args[0]), b = as_dim(e->args[1]);
  if (!a || !b) return std::nullopt;
  if (is_integer_op(e, ScalarOp::k_add)) return *a + *b;
  if (is_integer_op(e, ScalarOp::k_sub)) return *a - *b;
  if (is_integer_op(e, ScalarOp::k_mul)) return *a * *b;
  return std::nullopt;
}

bool uses(const Expr& e, const Var* v) {
  bool found = false;
  std::set<const ExprNode*> seen;  // expressions share parts: walked as trees they grow exponentially
  std::function<void(const Expr&)> walk = [&](const Expr& x) {
    if (found || !seen.insert(x.get()).second) return;
    found = x->kind == ExprKind::kVar && x->var.get() == v;
    for (const Expr& arg : x->args) walk(arg);
  };
  walk(e);
  return found;
}

std::optional<ir::Dim> factor_of(const Expr& e, const Var* v) {
  if (e->kind == ExprKind::kVar) return ir::Dim(e->var.get() == v ? 1 : 0);
  if (!uses(e, v)) return ir::Dim(0);
  if (is_integer_op(e, ScalarOp::k_add) || is_integer_op(e, ScalarOp::k_sub)) {
    std::optional<ir::Dim> a = factor_of(e->args[0], v), b = factor_of(e->args[1], v);
    if (!a || !b) return std::nullopt;
    return e->op == ScalarOp::k_add ? *a + *b : *a - *b;
  }
  if (is_integer_op(e, ScalarOp::k_mul)) {
    bool left = uses(e->args[0], v);
    if (left && uses(e->args[1], v)) return std::nullopt;
    std::optional<ir::Dim> factor = factor_of(e->args[left ? 0 : 1], v), other = as_dim(e->args[left ? 1 : 0]);
    if (!factor || !other) return std::nullopt;
    return *factor * *other;
  }
  return std::nullopt;
}

Expr flat_index(const Buffer& buffer, const Exprs& index) {
  Expr address = integer(0);
  ir::Dim step(1);
  for (std::size_t axis = index.size(); axis-- > 0;) {
    address = index[axis] * dim(step) + address;
    step = step * buffer.dims[axis];
  }
  return address;
}

std::optional<ir::Dim> stride(const Buffer& buffer, const Exprs& index, const Var* v) {
  ir::Dim total(0), step(1);
  for (std::size_t axis = index.size(); axis-- > 0;) {
    std::optional<ir::Dim> factor = factor_of(index[axis], v);
    if (!factor) return std::nullopt;
    total = total + *factor * step;
    step = step * buffer.dims[axis];
  }
  return total;
}

void visit_stmts(const StmtRef& stmt, const std::function<void(const Stmt&)>& f) {
  f(*stmt);
  for (const StmtRef& child : stmt->children) visit_stmts(child, f);
}

void visit_exprs(const Stmt& stmt, const std::function<void(const Expr&)>& f) {
  for (const Expr* e : {&stmt.begin, &stmt.extent, &stmt.value}) {
    if (*e) f(*e);
  }
  for (const Expr& e : stmt.index) f(e);
}

void visit_accesses(const StmtRef& stmt, const std::function<void(const AccessSite&)>& f) {
  visit_stmts(stmt, [&](const Stmt& s) {
    std::set<const ExprNode*> seen;
    std::function<void(const Expr&)> walk = [&](const Expr& e) {
      if (!seen.insert(e.get()).second) return;
      if (e->kind == ExprKind::kLoad) f({e->buffer.get(), &e->args, false});
      for (const Expr& arg : e->args) walk(arg);
    };
    visit_exprs(s, walk);
    if (s.kind == StmtKind::kStore) f({s.buffer.get(), &s.index, true});
  });
}

StmtRef map_exprs(const StmtRef& stmt, const std::function<Expr(const Expr&)>& f) {
  auto copy = std::make_shared<Stmt>(*stmt);
  for (Expr* e : {&copy->begin, &copy->extent, &copy->value}) {
    if (*e) *e = f(*e);
  }
  for (Expr& e : copy->index) e = f(e);
  for (StmtRef& child : copy->children) child = map_exprs(child, f);
  return copy;
}

StmtRef substitute(const StmtRef& stmt, const VarRef& v, const Expr& value) {
  return map_exprs(stmt, [&](const Expr& e) { return substitute(e, v, value); });
}

bool contains_loop(const StmtRef& stmt) {
  bool found = false;
  visit_stmts(stmt, [&](const Stmt& s) { found |= s.kind == StmtKind::kFor; });
  return found;
}

namespace {

// Every distinct node of the expressions that are added, once.
class OperationCount {
 public:
  void add(const Expr& e) {
    if (!seen_.insert(e.get()).second) return;
    bool slow = e->kind == ExprKind::kOp && e->dtype.is_floating() && is_transcendental(e->op);
    total_ += slow ? 16 : e->kind == ExprKind::kOp || e->kind == ExprKind::kLoad ? 1 : 0;
    for (const Expr& arg : e->args) add(arg);
  }
  std::int64_t total() const { return total_; }

 private:
  std::set<const ExprNode*> seen_;
  std::int64_t total_ = 0;
};

}  // namespace

std::int64_t cost(const Expr& e) {
  OperationCount count;
  count.add(e);
  return count.total();
}

std::int64_t cost(const StmtRef& stmt, std::int64_t unknown_extent) {
  OperationCount count;
  visit_exprs(*stmt, [&](const Expr& e) { count.add(e); });
  std::int64_t own = count.total();
  if (stmt->kind == StmtKind::kIf) {
    std::int64_t longest = 0;
    for (const StmtRef& child : stmt->children) longest = std::max(longest, cost(child, unknown_extent));
    return own + longest;
  }
  for (const StmtRef& child : stmt->children) own += cost(child, unknown_extent);
  if (stmt->kind != StmtKind::kFor) return own + 1;
  if (stmt->loop == LoopKind::kVector) return own;
  std::optional<std::int64_t> extent = as_integer(stmt->extent);
  return own * std::max<std::int64_t>(1, extent.value_or(unknown_extent));
}

}  // namespace mica::loop
