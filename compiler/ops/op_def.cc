#include "compiler/ops/op_def.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/ops/infer.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

// Elementwise operations broadcast; comparisons give bool, select takes its dtype from the branches.
absl::StatusOr<Types> infer_elementwise(const InferContext& context) {
  const loop::ScalarOpInfo& scalar = loop::info(*context.op.scalar);
  Dims dims = context.operand(0).dims;
  int first = scalar.type_rule == loop::ScalarClass::kSelect ? 1 : 0;
  DType dtype = context.operand(first).dtype;
  for (int i = 1; i < context.num_operands(); ++i) {
    absl::StatusOr<Dims> both = broadcast(dims, context.operand(i).dims);
    if (!both.ok()) return both.status();
    dims = *std::move(both);
    if (i >= first && context.operand(i).dtype != dtype) {
      return absl::InvalidArgumentError(absl::StrCat("expected operands of one dtype, received ",
                                                     context.operand(first).to_string(), " and ",
                                                     context.operand(i).to_string()));
    }
  }
  if (scalar.type_rule == loop::ScalarClass::kCompare) dtype = kBool;
  return Types{{dtype, std::move(dims)}};
}

loop::Expr define_elementwise(const DefineContext& context, loop::ScalarOp op, const loop::Exprs& index) {
  loop::Exprs reads;
  for (std::size_t i = 0; i < context.operands.size(); ++i) {
    reads.push_back(context.read_broadcast(static_cast<int>(i), index, context.results[0].dims));
  }
  return loop::op(op, std::move(reads));
}

}  // namespace

std::int64_t RefTensor::numel() const {
  std::int64_t n = 1;
  for (std::int64_t dim : dims) n *= dim;
  return n;
}

loop::Expr DefineContext::read(int i, loop::Exprs index) const {
  MICA_CHECK(index.size() == operands[static_cast<std::size_t>(i)].dims.size())
      << "index of another rank than operand " << i;
  return loop::read(i, operands[static_cast<std::size_t>(i)].dtype, std::move(index));
}

loop::Expr DefineContext::read_broadcast(int i, const loop::Exprs& index, const Dims& of) const {
  const Dims& dims = operands[static_cast<std::size_t>(i)].dims;
  std::size_t offset = of.size() - dims.size();
  loop::Exprs own;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    bool stretched = dims[axis].is(1) && !of[offset + axis].is(1);
    own.push_back(stretched ? loop::integer(0) : index[offset + axis]);
  }
  return read(i, std::move(own));
}

loop::Expr DefineContext::reduce(loop::Reducer reducer, const Dims& extents,
                                 const std::function<loop::Expr(const loop::Exprs&)>& body) const {
  std::vector<loop::VarRef> vars;
  loop::Exprs indices;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    vars.push_back(loop::make_var(absl::StrCat("r", i)));
    indices.push_back(loop::var(vars.back()));
  }
  return loop::reduce(reducer, std::move(vars), extents, body(indices));
}

Op::Op(std::string_view name) { def_.name = name; }
Op& Op::doc(std::string_view text) { return def_.doc = text, *this; }
Op& Op::mirrors(std::string_view name) { return def_.mirrors = name, *this; }
Op& Op::input(std::string_view name, std::string_view dtypes, std::string_view text) {
  def_.operands.push_back({std::string(name), std::string(text), OperandDef::kRequired, std::string(dtypes)});
  return *this;
}
Op& Op::optional_input(std::string_view name, std::string_view dtypes, std::string_view text) {
  def_.operands.push_back({std::string(name), std::string(text), OperandDef::kOptional, std::string(dtypes)});
  return *this;
}
Op& Op::variadic_input(std::string_view name, std::string_view dtypes, std::string_view text) {
  def_.operands.push_back({std::string(name), std::string(text), OperandDef::kVariadic, std::string(dtypes)});
  return *this;
}
Op& Op::attr(std::string_view name, Attr fallback, std::string_view text) {
  def_.attrs.push_back({std::string(name), std::move(fallback), std::string(text), false, {}});
  return *this;
}
Op& Op::required_attr(std::string_view name, Attr kind, std::string_view text) {
  def_.attrs.push_back({std::string(name), std::move(kind), std::string(text), true, {}});
  return *this;
}
Op& Op::choice(std::string_view name, std::string_view fallback, Strings allowed, std::string_view text) {
  def_.attrs.push_back({std::string(name), std::string(fallback), std::string(text), false, std::move(allowed)});
  return *this;
}
Op& Op::fusion(FusionClass f) { return def_.fusion = f, *this; }
Op& Op::elementwise(loop::ScalarOp op) {
  def_.fusion = FusionClass::kElementwise;
  def_.scalar = op;
  if (!def_.infer) def_.infer = infer_elementwise;
  return define([op](const DefineContext& context, int, const loop::Exprs& index) {
    return define_elementwise(context, op, index);
  });
}
Op& Op::infer(InferFn f) { return def_.infer = std::move(f), *this; }
Op& Op::bounds(BoundsFn f) { return def_.bounds = std::move(f), *this; }
Op& Op::vjp(VjpFn f) { return def_.vjp = std::move(f), *this; }
Op& Op::not_differentiable(std::string_view why) { return def_.no_gradient = why, *this; }
Op& Op::decompose(DecomposeFn f) { return def_.decompose = std::move(f), *this; }
Op& Op::define(DefineFn f) { return def_.define = std::move(f), *this; }
Op& Op::kernel(KernelFn f) { return def_.kernel = std::move(f), *this; }
Op& Op::reference(ReferenceFn f) { return def_.reference = std::move(f), *this; }
Op& Op::library(LibraryBinding binding) { return def_.libraries.push_back(std::move(binding)), *this; }
Op& Op::sample(Sample s) { return def_.samples.push_back(std::move(s)), *this; }
Op& Op::fixture(std::string_view name) { return def_.fixture = name, *this; }
Op& Op::internal() { return def_.internal = true, *this; }

void Registry::add(OpDef def) {
  MICA_CHECK(!find(def.name)) << "two records are named " << def.name;
  defs_.push_back(std::make_unique<OpDef>(std::move(def)));
  index_[defs_.back()->name] = defs_.back().get();
}

const OpDef* Registry::find(std::string_view name) const {
  auto it = index_.find(std::string(name));
  return it == index_.end() ? nullptr : it->second;
}

std::vector<const OpDef*> Registry::all() const {
  std::vector<const OpDef*> defs;
  for (const auto& def : defs_) defs.push_back(def.get());
  std::sort(defs.begin(), defs.end(), [](const OpDef* a, const OpDef* b) { return a->name < b->name; });
  return defs;
}

std::vector<Bound> bounds_of(const Node& node) {
  if (!node.op().bounds) return {};
  Types operands;
  for (const Value& operand : node.operands()) operands.push_back(operand.type());
  return node.op().bounds({node.op(), node.attrs(), operands, node.bodies()});
}

std::string expected_indices(const Node& node) {
  const Attr* called = node.attrs().find("called");
  if (!called) return "";
  const TensorType& x = node.operand(0).type();
  const Dim last = x.dim(axis_of(node.attrs(), x.rank())) - 1;
  return absl::StrCat(std::get<std::string>(*called), " from 0 to ", last.to_string());
}

const OpDef& op(std::string_view name) {
  const OpDef* def = registry().find(name);
  MICA_CHECK(def) << "there is no operation \"" << name << "\"";
  return *def;
}

}  // namespace mica::ir
