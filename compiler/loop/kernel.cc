// Makers of statements, and what a kernel says about itself.
#include "compiler/loop/kernel.h"

#include <algorithm>

#include "runtime/error.h"

namespace mica::loop {
namespace {

StmtRef make(Stmt stmt) { return std::make_shared<const Stmt>(std::move(stmt)); }

const Stmt* find_parallel(const StmtRef& stmt) {
  if (stmt == nullptr) return nullptr;
  if (stmt->kind == StmtKind::kFor && stmt->loop == LoopKind::kParallel) return stmt.get();
  for (const StmtRef& child : stmt->children) {
    if (const Stmt* found = find_parallel(child)) return found;
  }
  return nullptr;
}

ir::Dim to_dim(const Expr& e) {
  if (e->kind == ExprKind::kDim) return e->dim;
  std::optional<std::int64_t> value = as_integer(e);
  MICA_CHECK(value.has_value()) << "the extent of a parallel loop is a dim, received " << to_string(e);
  return ir::Dim(*value);
}

class SymbolCollector {
 public:
  explicit SymbolCollector(std::vector<const ir::Symbol*>& out) : out_(out) {}

  void add(const ir::Dims& dims) {
    for (const ir::Dim& d : dims) d.collect_symbols(out_);
  }
  void add(const Expr& e) {
    if (e == nullptr) return;
    visit(e, [&](const ExprNode& node) {
      if (node.kind == ExprKind::kDim) node.dim.collect_symbols(out_);
    });
  }
  void add(const StmtRef& stmt) {
    if (stmt->kind == StmtKind::kAlloc) add(stmt->buffer->dims);
    add(stmt->begin);
    add(stmt->extent);
    add(stmt->value);
    for (const Expr& e : stmt->index) add(e);
    for (const StmtRef& child : stmt->children) add(child);
  }

 private:
  std::vector<const ir::Symbol*>& out_;
};

}  // namespace

StmtRef block(std::vector<StmtRef> children) {
  if (children.size() == 1) return std::move(children.front());
  return make({.kind = StmtKind::kBlock, .children = std::move(children)});
}

StmtRef loop_over(LoopKind kind, const VarRef& v, Expr extent, StmtRef body, int width) {
  return make({.kind = StmtKind::kFor,
               .var = v,
               .begin = integer(0),
               .extent = std::move(extent),
               .loop = kind,
               .width = width,
               .children = {std::move(body)}});
}

StmtRef store(const BufferRef& buffer, Exprs index, Expr value) {
  return make({.kind = StmtKind::kStore, .value = std::move(value), .buffer = buffer, .index = std::move(index)});
}

StmtRef let(const VarRef& v, Expr value) { return make({.kind = StmtKind::kLet, .var = v, .value = std::move(value)}); }

StmtRef alloc(const BufferRef& buffer) { return make({.kind = StmtKind::kAlloc, .buffer = buffer}); }

StmtRef if_then(Expr condition, StmtRef then, StmtRef otherwise) {
  std::vector<StmtRef> children = {std::move(then)};
  if (otherwise != nullptr) children.push_back(std::move(otherwise));
  return make({.kind = StmtKind::kIf, .value = std::move(condition), .children = std::move(children)});
}

StmtRef barrier() { return make({.kind = StmtKind::kBarrier}); }

StmtRef fail_if(Expr condition, int code, Expr position, Expr value) {
  return make({.kind = StmtKind::kFail,
               .value = std::move(condition),
               .code = code,
               .index = {std::move(position), std::move(value)}});
}

ir::Dim Kernel::parallel_extent() const {
  const Stmt* parallel = find_parallel(body);
  return parallel ? to_dim(parallel->extent) : ir::Dim(1);
}

std::vector<const ir::Symbol*> Kernel::symbols() const {
  std::vector<const ir::Symbol*> symbols;
  SymbolCollector collector(symbols);
  for (const BufferRef& param : params) collector.add(param->dims);
  collector.add(body);
  return symbols;
}

}  // namespace mica::loop
