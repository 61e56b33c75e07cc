// How accesses move with loop variables, and small tools to walk and rebuild statements.
#pragma once
#include <functional>
#include <optional>

#include "compiler/loop/kernel.h"

namespace mica::loop {

// An index expression without variables as a dim: "2*N + 3".
std::optional<ir::Dim> as_dim(const Expr& e);
// The factor by which `e` grows with `v`: e == factor * v + (e without v). Nothing when it is not affine, or the factor
// is no dim.
std::optional<ir::Dim> factor_of(const Expr& e, const Var* v);
bool uses(const Expr& e, const Var* v);
// The row-major address of an element, in elements.
Expr flat_index(const Buffer& buffer, const Exprs& index);
// By how many elements the address of an access moves when `v` grows by one.
std::optional<ir::Dim> stride(const Buffer& buffer, const Exprs& index, const Var* v);

// One load or store of a parameter or local buffer.
struct AccessSite {
  const Buffer* buffer;
  const Exprs* index;
  bool is_store;
};
void visit_accesses(const StmtRef& stmt, const std::function<void(const AccessSite&)>& f);
void visit_stmts(const StmtRef& stmt, const std::function<void(const Stmt&)>& f);
// Every expression of a statement (not of its children), for reading.
void visit_exprs(const Stmt& stmt, const std::function<void(const Expr&)>& f);
// Rebuilds a statement tree with every expression mapped; buffers of stores and allocs stay.
StmtRef map_exprs(const StmtRef& stmt, const std::function<Expr(const Expr&)>& f);
StmtRef substitute(const StmtRef& stmt, const VarRef& v, const Expr& value);
bool contains_loop(const StmtRef& stmt);
// Operations of one execution of `stmt`, a vector counting as one; symbolic extents count as `unknown_extent`.
std::int64_t cost(const StmtRef& stmt, std::int64_t unknown_extent = 32);
// Operations of one element, what is shared counted once.
std::int64_t cost(const Expr& e);

}  // namespace mica::loop
