// Inlining: the elements of a group's results as expressions over loads of the group's operands.
#pragma once
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {

// Gives the element of any value of a group at an index. Producers are substituted into consumers; equal demands share
// one expression.
class Inliner {
 public:
  // Values that are read from memory: operands of the group, and values that were materialized.
  void bind(ir::Value value, BufferRef buffer) { buffers_[value] = std::move(buffer); }
  absl::StatusOr<Expr> at(ir::Value value, const Exprs& index);
  // The indices at which `value` was demanded so far.
  std::vector<Exprs> demands(ir::Value value) const;

 private:
  struct Demand {
    Exprs index;
    Expr element;
  };
  absl::StatusOr<Expr> compute(ir::Value value, const Exprs& index);
  absl::StatusOr<Expr> with_reads(const Expr& definition, const ir::Node& node);
  std::map<ir::Value, BufferRef> buffers_;
  std::map<ir::Value, std::vector<Demand>> memo_;
};

// The loop variables an expression depends on, without those its reductions bind.
class FreeVars {
 public:
  const std::vector<const Var*>& of(const Expr& e);
  bool depends_on(const Expr& e, const Var* v);

 private:
  std::map<const ExprNode*, std::vector<const Var*>> memo_;
  std::vector<Expr> alive_;  // memo keys stay valid
};

}  // namespace mica::loop
