#include "compiler/loop/partition.h"

#include <algorithm>
#include <set>

#include "compiler/loop/access.h"
#include "compiler/loop/simplify.h"

namespace mica::loop {
namespace {

// More pieces cost more code than their choices cost time.
constexpr std::size_t kMostPieces = 8;

// The least v for which a * v + b >= 0 is another answer than for the v before; a is not 0.
std::int64_t turning_point(std::int64_t a, std::int64_t b) {
  return a > 0 ? -ir::Dim::floor_div(b, a).value() : ir::Dim::floor_div(b, -a).value() + 1;
}

// Where the answer of the comparison changes along `v`, when it depends on nothing else.
void turning_points(const ExprNode& comparison, const Var* v, std::set<std::int64_t>& points) {
  if (comparison.kind != ExprKind::kOp || info(comparison.op).type_rule != ScalarClass::kCompare) return;
  if (!(comparison.args[0]->dtype == kInt64)) return;
  const LinearForm difference = linear_form(comparison.args[0] - comparison.args[1]);
  if (difference.terms.size() != 1 || !difference.constant.is_static()) return;
  const auto& [atom, factor] = difference.terms[0];
  if (atom->kind != ExprKind::kVar || atom->var.get() != v || !factor.is_static()) return;
  const std::int64_t a = factor.value(), b = difference.constant.value();
  const bool strict = comparison.op == ScalarOp::k_gt || comparison.op == ScalarOp::k_le;
  const bool both = comparison.op == ScalarOp::k_eq || comparison.op == ScalarOp::k_ne;
  if (!strict) points.insert(turning_point(a, b));
  if (strict || both) points.insert(turning_point(a, b - 1));
}

// Whether an iteration stores only what no other one stores.
bool is_independent(const Stmt& loop) {
  bool independent = !contains_loop(loop.children[0]);
  visit_stmts(loop.children[0], [&](const Stmt& s) {
    independent &= s.kind == StmtKind::kStore || s.kind == StmtKind::kLet || s.kind == StmtKind::kBlock;
    independent &= s.kind != StmtKind::kStore ||
                   std::any_of(s.index.begin(), s.index.end(), [&](const Expr& e) { return uses(e, loop.var.get()); });
  });
  return independent;
}

// The iterations [begin, end).
StmtRef piece(const Stmt& loop, std::int64_t begin, std::int64_t end) {
  Ranges ranges;
  ranges.set_loop(loop.var, integer(0), integer(end - begin));
  StmtRef body = substitute(loop.children[0], loop.var, var(loop.var) + integer(begin));
  body = map_exprs(body, [&](const Expr& e) { return simplify(e, ranges); });
  // The variable is the loop's own in each piece: two loops that differ in it are two kernels.
  VarRef own = make_var(loop.var->name);
  return loop_over(LoopKind::kSerial, own, integer(end - begin), substitute(body, loop.var, var(own)));
}

StmtRef pieces(const StmtRef& stmt, int lanes) {
  auto copy = std::make_shared<Stmt>(*stmt);
  for (StmtRef& child : copy->children) child = pieces(child, lanes);
  const bool is_loop = stmt->kind == StmtKind::kFor && stmt->loop == LoopKind::kSerial && as_integer(stmt->begin) == 0;
  const std::optional<std::int64_t> extent = is_loop ? as_integer(stmt->extent) : std::nullopt;
  if (!extent || !is_independent(*stmt)) return copy;

  std::set<std::int64_t> points;
  visit_stmts(stmt->children[0], [&](const Stmt& s) {
    visit_exprs(s, [&](const Expr& root) {
      visit(root, [&](const ExprNode& e) { turning_points(e, stmt->var.get(), points); });
    });
  });
  std::vector<std::int64_t> bounds{0};
  for (std::int64_t point : points) {
    if (point > 0 && point < *extent) bounds.push_back(point);
  }
  bounds.push_back(*extent);
  const std::size_t count = bounds.size() - 1;
  if (count < 2 || count > kMostPieces || *extent < static_cast<std::int64_t>(count) * lanes / 2) return copy;
  std::vector<StmtRef> loops;
  for (std::size_t i = 0; i < count; ++i) loops.push_back(piece(*stmt, bounds[i], bounds[i + 1]));
  return block(std::move(loops));
}

}  // namespace

Kernel partition(const Kernel& kernel, int lanes) {
  Kernel result = kernel;
  result.body = pieces(kernel.body, lanes);
  return result;
}

}  // namespace mica::loop
