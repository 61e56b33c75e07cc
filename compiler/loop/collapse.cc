#include "compiler/loop/collapse.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/loop/access.h"

namespace mica::loop {
namespace {

// All params of rank 2 and more as one axis.
Kernel flatten(const Kernel& kernel) {
  Kernel flat = kernel;
  std::map<const Buffer*, BufferRef> buffers;
  for (BufferRef& param : flat.params) {
    if (param->dims.size() < 2) continue;
    Buffer one = *param;
    one.dims = {ir::product(param->dims)};
    param = buffers[param.get()] = std::make_shared<Buffer>(one);
  }
  std::function<Expr(const Expr&)> flat_loads = [&](const Expr& e) {
    return rewrite(e, [&](const Expr& x) -> Expr {
      auto it = x->kind == ExprKind::kLoad ? buffers.find(x->buffer.get()) : buffers.end();
      if (it == buffers.end()) return nullptr;
      Exprs index;
      for (const Expr& i : x->args) index.push_back(flat_loads(i));
      return load(it->second, {flat_index(*x->buffer, index)});
    });
  };
  std::function<StmtRef(const StmtRef&)> rebuild = [&](const StmtRef& stmt) -> StmtRef {
    auto copy = std::make_shared<Stmt>(*stmt);
    for (Expr* e : {&copy->begin, &copy->extent, &copy->value}) {
      if (*e) *e = flat_loads(*e);
    }
    for (Expr& e : copy->index) e = flat_loads(e);
    if (auto it = stmt->kind == StmtKind::kStore ? buffers.find(stmt->buffer.get()) : buffers.end();
        it != buffers.end()) {
      copy->index = {flat_index(*stmt->buffer, copy->index)};
      copy->buffer = it->second;
    }
    for (StmtRef& child : copy->children) child = rebuild(child);
    return copy;
  };
  flat.body = rebuild(kernel.body);
  return flat;
}

class Collapser {
 public:
  StmtRef run(const StmtRef& stmt) {
    auto copy = std::make_shared<Stmt>(*stmt);
    for (StmtRef& child : copy->children) child = run(child);
    if (copy->kind != StmtKind::kFor || copy->loop != LoopKind::kSerial) return copy;
    const StmtRef& inner = copy->children[0];
    if (inner->kind != StmtKind::kFor || inner->loop != LoopKind::kSerial) return copy;
    return merge(copy, inner);
  }
  bool changed() const { return changed_; }

 private:
  StmtRef merge(const std::shared_ptr<Stmt>& outer, const StmtRef& inner) {
    const VarRef &a = outer->var, &b = inner->var;
    std::optional<ir::Dim> outer_extent = as_dim(outer->extent), inner_extent = as_dim(inner->extent);
    if (!outer_extent || !inner_extent || !walks_as_one(inner->children[0], a.get(), b.get(), *inner_extent))
      return outer;
    VarRef m = make_var(a->name);
    auto joined = [&](const Expr& e) {
      return rewrite(e, [&](const Expr& x) -> Expr { return joined_load(x, a, b, m); });
    };
    std::function<StmtRef(const StmtRef&)> rebuild = [&](const StmtRef& stmt) -> StmtRef {
      auto copy = std::make_shared<Stmt>(*stmt);
      for (Expr* e : {&copy->begin, &copy->extent, &copy->value}) {
        if (*e) *e = joined(*e);
      }
      if (copy->kind == StmtKind::kStore && !copy->index.empty()) copy->index = {joined_index(copy->index[0], a, b, m)};
      for (StmtRef& child : copy->children) child = rebuild(child);
      return copy;
    };
    changed_ = true;
    return loop_over(LoopKind::kSerial, m, dim(*outer_extent * *inner_extent), rebuild(inner->children[0]));
  }

  // Every use of the two variables is in an address in which the outer one strides over exactly the inner loop.
  bool walks_as_one(const StmtRef& body, const Var* a, const Var* b, const ir::Dim& inner_extent) const {
    bool ok = true;
    visit_stmts(body, [&](const Stmt& stmt) {
      visit_exprs(stmt, [&](const Expr& e) {
        bool is_index =
            stmt.kind == StmtKind::kStore && &e >= stmt.index.data() && &e < stmt.index.data() + stmt.index.size();
        ok = ok && (is_index ? address_joins(e, a, b, inner_extent) : value_joins(e, a, b, inner_extent));
      });
    });
    return ok;
  }

  bool address_joins(const Expr& index, const Var* a, const Var* b, const ir::Dim& inner_extent) const {
    std::optional<ir::Dim> outer = factor_of(index, a), inner = factor_of(index, b);
    return outer && inner && *outer == *inner * inner_extent;
  }

  bool value_joins(const Expr& value, const Var* a, const Var* b, const ir::Dim& inner_extent) const {
    std::set<const ExprNode*> seen;
    std::function<bool(const Expr&)> joins = [&](const Expr& e) {
      if (!seen.insert(e.get()).second) return true;
      if (e->kind == ExprKind::kVar) return e->var.get() != a && e->var.get() != b;
      if (e->kind == ExprKind::kLoad && e->args.size() == 1) return address_joins(e->args[0], a, b, inner_extent);
      return std::all_of(e->args.begin(), e->args.end(), joins);
    };
    return joins(value);
  }

  static Expr joined_index(const Expr& index, const VarRef& a, const VarRef& b, const VarRef& m) {
    std::optional<ir::Dim> factor = factor_of(index, b.get());
    Expr rest = substitute(substitute(index, a, integer(0)), b, integer(0));
    return var(m) * dim(*factor) + rest;
  }

  static Expr joined_load(const Expr& x, const VarRef& a, const VarRef& b, const VarRef& m) {
    if (x->kind != ExprKind::kLoad || x->args.size() != 1 || (!uses(x, a.get()) && !uses(x, b.get()))) return nullptr;
    return load(x->buffer, {joined_index(x->args[0], a, b, m)});
  }

  bool changed_ = false;
};

}  // namespace

Kernel collapse(const Kernel& kernel) {
  Kernel flat = flatten(kernel);
  Collapser collapser;
  flat.body = collapser.run(flat.body);
  return collapser.changed() ? flat : kernel;
}

}  // namespace mica::loop
