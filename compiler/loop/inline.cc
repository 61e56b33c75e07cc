#include "compiler/loop/inline.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

bool same_index(const Exprs& a, const Exprs& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Expr& x, const Expr& y) { return x == y || (x->args.empty() && equal(x, y)); });
}

}  // namespace

std::vector<Exprs> Inliner::demands(ir::Value value) const {
  std::vector<Exprs> indices;
  auto it = memo_.find(value);
  if (it == memo_.end()) return indices;
  for (const Demand& demand : it->second) indices.push_back(demand.index);
  return indices;
}

absl::StatusOr<Expr> Inliner::at(ir::Value value, const Exprs& index) {
  if (auto it = buffers_.find(value); it != buffers_.end()) return load(it->second, index);
  std::vector<Demand>& known = memo_[value];
  for (const Demand& demand : known) {
    if (same_index(demand.index, index)) return demand.element;
  }
  absl::StatusOr<Expr> element = compute(value, index);
  if (element.ok()) memo_[value].push_back({index, *element});
  return element;
}

absl::StatusOr<Expr> Inliner::compute(ir::Value value, const Exprs& index) {
  const ir::Node& node = *value.node;
  ir::Types operands;
  for (const ir::Value& operand : node.operands()) operands.push_back(operand.type());
  ir::DefineContext context(node.attrs(), operands, node.result_types());
  if (node.op().define) return with_reads(node.op().define(context, value.index, index), node);
  if (!node.op().scalar) {
    return absl::InvalidArgumentError(
        absl::StrCat(node.op().name, " has no definition to compile; is `legalize` missing in the pipeline?"));
  }
  Exprs arguments;
  for (int i = 0; i < node.num_operands(); ++i) {
    absl::StatusOr<Expr> argument = with_reads(context.read_broadcast(i, index, value.dims()), node);
    if (!argument.ok()) return argument;
    arguments.push_back(*std::move(argument));
  }
  return op(*node.op().scalar, std::move(arguments));
}

absl::StatusOr<Expr> Inliner::with_reads(const Expr& definition, const ir::Node& node) {
  absl::Status status;
  std::function<Expr(const Expr&)> replace = [&](const Expr& e) -> Expr {
    if (e->kind != ExprKind::kRead) return nullptr;
    Exprs index;
    for (const Expr& i : e->args) index.push_back(rewrite(i, replace));
    absl::StatusOr<Expr> element = at(node.operand(e->slot), index);
    if (!element.ok()) {
      status = element.status();
      return e;
    }
    return *element;
  };
  Expr result = rewrite(definition, replace);
  if (!status.ok()) return status;
  return result;
}

const std::vector<const Var*>& FreeVars::of(const Expr& e) {
  if (auto it = memo_.find(e.get()); it != memo_.end()) return it->second;
  std::vector<const Var*> vars;
  auto add = [&](const Var* v) {
    if (std::find(vars.begin(), vars.end(), v) == vars.end()) vars.push_back(v);
  };
  if (e->kind == ExprKind::kVar) add(e->var.get());
  for (const Expr& arg : e->args) {
    for (const Var* v : of(arg)) add(v);
  }
  for (const VarRef& bound : e->vars) std::erase(vars, bound.get());
  alive_.push_back(e);
  return memo_[e.get()] = std::move(vars);
}

bool FreeVars::depends_on(const Expr& e, const Var* v) {
  const std::vector<const Var*>& vars = of(e);
  return std::find(vars.begin(), vars.end(), v) != vars.end();
}

}  // namespace mica::loop
