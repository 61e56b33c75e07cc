// What is known of index expressions: linear forms over dims, and bounds from the loops around.
#pragma once
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/loop/expr.h"

namespace mica::loop {

// sum of coefficient * atom + constant; atoms are structurally different, in the order in which they occur.
struct LinearForm {
  std::vector<std::pair<Expr, ir::Dim>> terms;
  ir::Dim constant = 0;

  void add(const Expr& atom, const ir::Dim& coefficient);
  Expr to_expr() const;
};
LinearForm linear_form(const Expr& e);  // e is i64

// Inclusive; an absent bound is unknown. Symbols stand for numbers >= 0.
struct Range {
  std::optional<ir::Dim> low, high;
};
// For all values of the symbols.
bool known_non_negative(const ir::Dim& d);
bool known_at_most(const std::optional<ir::Dim>& a, const std::optional<ir::Dim>& b);

class Ranges {
 public:
  void set(const VarRef& v, Range range) { vars_[v.get()] = std::move(range); }
  // `v` runs over begin .. begin + extent.
  void set_loop(const VarRef& v, const Expr& begin, const Expr& extent);
  Range of(const Expr& e) const;

 private:
  Range of_atom(const Expr& e) const;
  Range of_quotient(const Range& x, const Expr& divisor) const;
  Range of_remainder(const Range& x, const Expr& divisor) const;
  std::map<const Var*, Range> vars_;
};

// `e` as a dim, when it is a constant or a polynomial of symbols.
std::optional<ir::Dim> constant_dim(const Expr& e);

}  // namespace mica::loop
