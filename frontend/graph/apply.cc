#include "frontend/graph/apply.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/region.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {

bool any_of_kind(const Tensors& tensors, ValueKind kind) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.node()->kind == kind; });
}

// A shape of an open size: only a model's call can have it.
bool is_open(const ir::Attrs& attrs) {
  return std::any_of(attrs.items().begin(), attrs.items().end(), [](const auto& item) {
    const auto* dims = std::get_if<ir::Dims>(&item.second);
    return dims && !ir::all_static(*dims);
  });
}

// Infers the result types as the graph would, and fills the attributes' defaults.
void complete(const ir::OpDef& op, Call& call) {
  ir::Graph scratch;
  ir::Values operands;
  for (const ValueRef& input : call.inputs) operands.push_back(scratch.input(input->type, ""));
  absl::StatusOr<ir::Node*> node =
      scratch.try_add(op, std::move(operands), std::move(call.attrs), clones_of(call.bodies));
  if (!node.ok()) throw_op_error(op, std::string(node.status().message()));
  call.attrs = (*node)->attrs();
  call.result_types = (*node)->result_types();
}

}  // namespace

ValueRef current_value(const ValueRef& node) {
  if (node->kind != ValueKind::kVariable) return node;
  ValueRef value = node->cell->value();
  // What a Variable starts with is computed by itself: the first step of a training is like all others.
  if (value->kind == ValueKind::kPending && node->cell->version() == 1) run_bindings();
  return cast(Tensor::of(std::move(value)), node->type.dtype).node();
}

Tensors apply_all(const ir::OpDef& op, Tensors operands, ir::Attrs attrs, Bodies bodies) {
  for (const Tensor& operand : operands) defined_node(operand, current_place().empty() ? op.name : current_place());
  Trace* trace = Trace::current();
  if (trace &&
      (operands.empty() || any_of_kind(operands, ValueKind::kTraced) || any_of_kind(operands, ValueKind::kVariable))) {
    return trace->add(op, operands, std::move(attrs), clones_of(bodies));
  }
  if (any_of_kind(operands, ValueKind::kTraced)) throw_stale(op.name);
  if (!any_of_kind(operands, ValueKind::kSymbolic) && !is_open(attrs))
    return record(op, operands, std::move(attrs), std::move(bodies));
  auto call = std::make_shared<Call>();
  call->op = &op;
  call->attrs = std::move(attrs);
  call->bodies = std::move(bodies);
  call->loc = current_place();
  call->region = RegionScope::current();
  for (const Tensor& operand : operands) call->add_input(operand.node());
  complete(op, *call);
  call->name = unique_name(op.name);
  Tensors results = results_of(call, ValueKind::kSymbolic);
  for (const Tensor& result : results) result.node()->name = call->name;
  return results;
}

Tensors apply_all(std::string_view name, Tensors operands, ir::Attrs attrs, Bodies bodies) {
  return apply_all(ir::op(name), std::move(operands), std::move(attrs), std::move(bodies));
}

Tensor apply(std::string_view name, Tensors operands, ir::Attrs attrs) {
  return apply_all(ir::op(name), std::move(operands), std::move(attrs))[0];
}

Tensor cast(const Tensor& x, DType dtype) {
  return type_of(x).dtype == dtype ? x : apply("cast", {x}, {{"dtype", dtype}});
}

Tensor to_floating(const Tensor& x) { return x.dtype().is_floating() ? x : cast(x, kFloat32); }

Tensor reshape_dims(const Tensor& x, ir::Dims dims) {
  return dims_of(x) == dims ? x : apply("reshape", {x}, {{"shape", std::move(dims)}});
}

const ir::Dims& dims_of(const Tensor& x) { return type_of(x).dims; }

DType promote_weak(DType dtype, Scalar number) {
  if (number.is_bool || dtype.is_floating()) return dtype;
  if (!number.is_integral) return kFloat32;
  return dtype.is_bool() ? kInt32 : dtype;
}

Tensor weak(Scalar number, const Tensor& like) {
  return Tensor::of(make_literal(number.value, promote_weak(type_of(like).dtype, number)));
}

Tensor apply_promoted(std::string_view op, const Tensor& a, const Tensor& b, bool to_float) {
  DType dtype = ir::promote(type_of(a).dtype, type_of(b).dtype);
  if (to_float && !dtype.is_floating()) dtype = kFloat32;
  return apply(op, {cast(a, dtype), cast(b, dtype)});
}

Tensor apply_promoted(std::string_view op, const Tensor& a, Scalar b, bool to_float) {
  DType dtype = promote_weak(type_of(a).dtype, b);
  if (to_float && !dtype.is_floating()) dtype = kFloat32;
  return apply(op, {cast(a, dtype), Tensor::of(make_literal(b.value, dtype))});
}

Tensor apply_promoted(std::string_view op, Scalar a, const Tensor& b, bool to_float) {
  DType dtype = promote_weak(type_of(b).dtype, a);
  if (to_float && !dtype.is_floating()) dtype = kFloat32;
  return apply(op, {Tensor::of(make_literal(a.value, dtype)), cast(b, dtype)});
}

int checked_axis(std::int64_t axis, int rank, std::string_view where) {
  if (axis >= -rank && axis < rank) return static_cast<int>(axis < 0 ? axis + rank : axis);
  const std::string& place = current_place();
  throw Error({.where = place.empty() ? std::string(where) : place,
               .expected = absl::StrCat("an axis from ", -rank, " to ", rank - 1),
               .received = absl::StrCat(axis),
               .hint = {}});
}

}  // namespace mica::internal
