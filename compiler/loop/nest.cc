#include "compiler/loop/nest.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

Expr lowest(DType dtype) {
  if (dtype.is_floating()) return constant(-std::numeric_limits<double>::infinity(), dtype);
  if (dtype.is_bool() || dtype.is_unsigned()) return integer(0, dtype);
  return integer(
      dtype.bytes() == 8 ? std::numeric_limits<std::int64_t>::min() : -(std::int64_t{1} << (8 * dtype.bytes() - 1)),
      dtype);
}

Expr highest(DType dtype) {
  if (dtype.is_floating()) return constant(std::numeric_limits<double>::infinity(), dtype);
  if (dtype.is_bool()) return integer(1, dtype);
  if (dtype.bytes() == 8) return integer(std::numeric_limits<std::int64_t>::max(), dtype);
  return integer((std::int64_t{1} << (8 * dtype.bytes() - (dtype.is_unsigned() ? 0 : 1))) - 1, dtype);
}

bool equal_extents(const Expr& a, const Expr& b) { return a->extents == b->extents; }

std::optional<Reducer> reducer_of(ScalarOp op, DType dtype) {
  switch (op) {
    case ScalarOp::k_add:
      return Reducer::kSum;
    case ScalarOp::k_mul:
      return Reducer::kProd;
    case ScalarOp::k_max:
      return Reducer::kMax;
    case ScalarOp::k_min:
      return Reducer::kMin;
    case ScalarOp::k_bit_or:
      return dtype.is_bool() ? std::optional(Reducer::kAny) : std::nullopt;
    case ScalarOp::k_bit_and:
      return dtype.is_bool() ? std::optional(Reducer::kAll) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

Expr neutral(Reducer reducer, DType dtype) {
  switch (reducer) {
    case Reducer::kSum:
      return dtype.is_floating() ? constant(0, dtype) : integer(0, dtype);
    case Reducer::kProd:
      return dtype.is_floating() ? constant(1, dtype) : integer(1, dtype);
    case Reducer::kMax:
      return lowest(dtype);
    case Reducer::kMin:
      return highest(dtype);
    case Reducer::kAny:
      return integer(0, dtype);
    case Reducer::kAll:
      return integer(1, dtype);
  }
  return nullptr;
}

Expr combine(Reducer reducer, const Expr& a, const Expr& b) {
  switch (reducer) {
    case Reducer::kSum:
      return a + b;
    case Reducer::kProd:
      return a * b;
    case Reducer::kMax:
      return max(a, b);
    case Reducer::kMin:
      return min(a, b);
    case Reducer::kAny:
      return logical_or(a, b);
    case Reducer::kAll:
      return logical_and(a, b);
  }
  return nullptr;
}

std::optional<Accumulation> accumulation(const Stmt& stmt) {
  if (stmt.kind != StmtKind::kStore || stmt.buffer->space != Space::kLocal || !stmt.index.empty()) return std::nullopt;
  const Expr& value = stmt.value;
  if (value->kind != ExprKind::kOp || value->args.size() != 2) return std::nullopt;
  std::optional<Reducer> reducer = reducer_of(value->op, value->dtype);
  const Expr& self = value->args[0];
  if (!reducer || self->kind != ExprKind::kLoad || self->buffer != stmt.buffer) return std::nullopt;
  return Accumulation{*reducer, value->args[1]};
}

std::vector<Expr> NestBuilder::reductions(const Exprs& roots) {
  std::vector<Expr> found;
  std::unordered_set<const ExprNode*> seen;
  std::function<void(const Expr&)> walk = [&](const Expr& e) {
    if (!seen.insert(e.get()).second) return;
    for (const Expr& arg : e->args) walk(arg);
    if (e->kind == ExprKind::kReduce) found.push_back(e);
  };
  for (const Expr& root : roots) walk(root);
  return found;
}

bool NestBuilder::ready(const Expr& reduction) {
  const std::vector<const Var*>& vars = free_.of(reduction);
  return std::all_of(vars.begin(), vars.end(), [&](const Var* v) { return scope_.count(v) > 0; });
}

bool NestBuilder::reaches(const Expr& e, const std::vector<Expr>& targets) const {
  std::vector<Expr> inner = reductions({e});
  return std::any_of(targets.begin(), targets.end(),
                     [&](const Expr& target) { return std::find(inner.begin(), inner.end(), target) != inner.end(); });
}

void NestBuilder::compute_ready(const Exprs& roots, std::vector<StmtRef>& out) {
  std::vector<Expr> batch;
  for (const Expr& reduction : reductions(roots)) {
    if (accumulators_.count(reduction.get()) || !ready(reduction)) continue;
    if (!batch.empty() && (!equal_extents(batch.front(), reduction) || reaches(reduction->args[0], batch))) {
      emit_batch(std::move(batch), out);
      batch.clear();
    }
    batch.push_back(reduction);
  }
  if (!batch.empty()) emit_batch(std::move(batch), out);
}

// alloc acc…; acc = neutral…; for r… { acc = acc ⊕ body… }
void NestBuilder::emit_batch(std::vector<Expr> batch, std::vector<StmtRef>& out) {
  std::vector<BufferRef> accumulators;
  for (const Expr& reduction : batch) {
    auto buffer = std::make_shared<Buffer>(
        Buffer{absl::StrCat("acc", next_accumulator_++), reduction->dtype, {}, Space::kLocal, Access::kInOut});
    accumulators.push_back(buffer);
    out.push_back(alloc(buffer));
    out.push_back(store(buffer, {}, neutral(reduction->reducer, reduction->dtype)));
  }
  std::vector<VarRef> vars;
  Exprs bodies;
  for (std::size_t i = 0; i < batch.front()->vars.size(); ++i) vars.push_back(make_var(absl::StrCat("r", next_var_++)));
  for (const Expr& reduction : batch) {
    Expr body = reduction->args[0];
    for (std::size_t i = 0; i < vars.size(); ++i) body = substitute(body, reduction->vars[i], var(vars[i]));
    bodies.push_back(body);
  }
  for (const VarRef& v : vars) enter(v);
  std::vector<StmtRef> inner;
  compute_ready(bodies, inner);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    inner.push_back(
        store(accumulators[i], {}, combine(batch[i]->reducer, load(accumulators[i], {}), resolved(bodies[i]))));
  }
  for (const VarRef& v : vars) leave(v);
  StmtRef nest = block(std::move(inner));
  for (std::size_t i = vars.size(); i-- > 0;)
    nest = loop_over(LoopKind::kSerial, vars[i], dim(batch.front()->extents[i]), nest);
  out.push_back(nest);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    accumulators_[batch[i].get()] = accumulators[i];
    alive_.push_back(batch[i]);
  }
}

Expr NestBuilder::resolved(const Expr& e) const {
  return rewrite(e, [&](const Expr& x) -> Expr {
    auto it = accumulators_.find(x.get());
    return it == accumulators_.end() ? nullptr : load(it->second, {});
  });
}

namespace {

class NestOf {
 public:
  NestOf(std::vector<VarRef> vars, ir::Dims extents, const std::vector<NestStore>& stores, NestBuilder& builder)
      : vars_(std::move(vars)), extents_(std::move(extents)), stores_(stores), builder_(builder) {
    for (const NestStore& s : stores_) roots_.push_back(s.element);
  }

  StmtRef build() {
    order_loops();
    return level(0);
  }

 private:
  void order_loops() {
    std::set<const Var*> rows;
    for (const Expr& reduction : NestBuilder::reductions(roots_)) {
      std::vector<const Var*> needs;
      for (const VarRef& v : vars_) {
        if (builder_.free_vars().depends_on(reduction, v.get())) needs.push_back(v.get());
      }
      if (needs.size() < vars_.size()) rows.insert(needs.begin(), needs.end());
    }
    std::vector<std::size_t> order(vars_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return rows.count(vars_[i].get()) > 0; });
    std::vector<VarRef> vars;
    ir::Dims extents;
    for (std::size_t i : order) {
      vars.push_back(vars_[i]);
      extents.push_back(extents_[i]);
    }
    vars_ = std::move(vars);
    extents_ = std::move(extents);
  }

  // What stands inside the first `depth` loops: reductions that became ready, stores that are complete, and the next
  // loop.
  StmtRef level(std::size_t depth) {
    std::vector<StmtRef> statements;
    builder_.compute_ready(roots_, statements);
    for (const NestStore& s : stores_) {
      if (depth_of(s) == depth) statements.push_back(store(s.buffer, s.index, builder_.resolved(s.element)));
    }
    if (depth < vars_.size()) {
      builder_.enter(vars_[depth]);
      StmtRef body = level(depth + 1);
      builder_.leave(vars_[depth]);
      statements.push_back(loop_over(LoopKind::kSerial, vars_[depth], dim(extents_[depth]), body));
    }
    return statements.size() == 1 ? statements.front() : block(std::move(statements));
  }

  std::size_t depth_of(const NestStore& s) const {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < vars_.size(); ++i) {
      for (const Expr& index : s.index) {
        if (index->kind == ExprKind::kVar && index->var == vars_[i]) depth = i + 1;
      }
    }
    return depth;
  }

  std::vector<VarRef> vars_;
  ir::Dims extents_;
  const std::vector<NestStore>& stores_;
  NestBuilder& builder_;
  Exprs roots_;
};

}  // namespace

StmtRef build_nest(std::vector<VarRef> vars, ir::Dims extents, const std::vector<NestStore>& stores,
                   NestBuilder& builder) {
  return NestOf(std::move(vars), std::move(extents), stores, builder).build();
}

}  // namespace mica::loop
