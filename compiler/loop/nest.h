// Nest: turns expressions with reductions into statements. Each reduction becomes an accumulator that is computed as
// soon as the variables it depends on are in scope; reductions over equal extents share a loop.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/loop/inline.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {

class NestBuilder {
 public:
  // Opens the scope of a loop variable: reductions that wait for it may be computed now.
  void enter(const VarRef& v) { scope_.insert(v.get()); }
  void leave(const VarRef& v) { scope_.erase(v.get()); }
  // Appends what computes every reduction under `roots` whose variables are in scope and that was not computed before.
  void compute_ready(const Exprs& roots, std::vector<StmtRef>& out);
  // `e` with the computed reductions replaced by their accumulators.
  Expr resolved(const Expr& e) const;
  // Every reduction under `roots`, inner ones first.
  static std::vector<Expr> reductions(const Exprs& roots);
  FreeVars& free_vars() { return free_; }

 private:
  bool ready(const Expr& reduction);
  bool reaches(const Expr& e, const std::vector<Expr>& targets) const;
  void emit_batch(std::vector<Expr> batch, std::vector<StmtRef>& out);
  std::set<const Var*> scope_;
  std::map<const ExprNode*, BufferRef> accumulators_;
  std::vector<Expr> alive_;
  FreeVars free_;
  int next_accumulator_ = 0, next_var_ = 0;
};

// A store inside a nest: buffer[index…] = element; `index` are loop variables and zeros.
struct NestStore {
  BufferRef buffer;
  Exprs index;
  Expr element;
};

// The loops over `vars` with everything that `stores` need. Variables that a hoistable reduction depends on come first,
// so that it is computed once a row, outside the loops over the row; a store stands in the outermost loop that has its
// index.
StmtRef build_nest(std::vector<VarRef> vars, ir::Dims extents, const std::vector<NestStore>& stores,
                   NestBuilder& builder);

// acc[] = acc[] ⊕ term on a rank-0 local: how nests fold.
struct Accumulation {
  Reducer reducer;
  Expr term;
};
std::optional<Accumulation> accumulation(const Stmt& stmt);

// The neutral element, and one step of a fold.
Expr neutral(Reducer reducer, DType dtype);
Expr combine(Reducer reducer, const Expr& a, const Expr& b);

}  // namespace mica::loop
