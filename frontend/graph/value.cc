#include "frontend/graph/value.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/signature.h"

namespace mica::internal {

Call::~Call() {
  if (pending) pending->remove(*this);
  for (const ValueRef& input : inputs) input->uses.add(-1);
  // The last handle of a long chain would free it recursively: the first destructor frees what the others hand to it.
  thread_local std::vector<ValueRef>* graveyard = nullptr;
  if (graveyard) {
    for (ValueRef& input : inputs) graveyard->push_back(std::move(input));
    return;
  }
  std::vector<ValueRef> dead = std::move(inputs);
  graveyard = &dead;
  while (!dead.empty()) {
    ValueRef value = std::move(dead.back());
    dead.pop_back();
    value.reset();
  }
  graveyard = nullptr;
}

void Call::add_input(ValueRef value) {
  value->uses.add(1);
  inputs.push_back(std::move(value));
}

const ir::Types& Call::types() const { return signature ? signature->results : result_types; }

std::vector<std::unique_ptr<ir::Graph>> clones_of(const Bodies& bodies) {
  std::vector<std::unique_ptr<ir::Graph>> clones;
  for (const auto& body : bodies) clones.push_back(body->clone());
  return clones;
}

Shape shape_of(const ir::TensorType& type) {
  std::vector<std::int64_t> dims;
  dims.reserve(type.dims.size());
  for (const ir::Dim& dim : type.dims) dims.push_back(dim.is_static() ? dim.value() : kAny);
  return Shape(std::move(dims));
}

ir::TensorType type_of(const rt::Array& array) {
  return {array.dtype(), ir::Dims(array.dims().begin(), array.dims().end())};
}

ir::Types types_of(const Tensors& tensors) {
  ir::Types types;
  for (const Tensor& tensor : tensors) types.push_back(type_of(tensor));
  return types;
}

std::string describe(const ir::TensorType& type) {
  return absl::StrCat(type.dtype.short_name(), shape_of(type).to_string());
}

std::string describe(const Tensor& tensor) { return describe(type_of(tensor)); }

ValueRef make_computed(rt::Array array, std::string_view name) {
  auto node = std::make_shared<ValueNode>();
  node->type = type_of(array);
  node->shape = Shape(array.dims());
  node->array = std::move(array);
  node->name = name;
  return node;
}

ValueRef make_traced(std::uint64_t trace_id, ir::Value value) {
  auto node = std::make_shared<ValueNode>();
  node->kind = ValueKind::kTraced;
  node->type = value.type();
  node->shape = shape_of(node->type);
  node->trace_id = trace_id;
  node->traced = value;
  return node;
}

ValueRef detached(const ValueRef& value) {
  if (value->kind == ValueKind::kPending) return apply("stop_gradient", {Tensor::of(value)}).node();
  auto copy = std::make_shared<ValueNode>(*value);
  copy->producer.reset();
  copy->requires_grad = false;
  copy->leaf.reset();
  copy->gate.reset();
  copy->variable_id = copy->variable_version = 0;
  return copy;
}

ValueRef make_literal(double value, DType dtype) {
  rt::Array array = rt::Array::uninitialized(dtype, {});
  array.set(0, value);
  ValueRef node = make_computed(std::move(array));
  node->literal = true;
  node->number = value;
  return node;
}

ValueRef result_of(const CallRef& call, int i, ValueKind kind) {
  auto index = static_cast<std::size_t>(i);
  if (ValueRef living = call->results[index].lock()) return living;
  auto node = std::make_shared<ValueNode>();
  node->kind = kind;
  node->type = call->types()[index];
  node->shape = shape_of(node->type);
  node->requires_grad = call->requires_grad && node->type.dtype.is_floating();
  node->producer = call;
  node->result = i;
  call->results[index] = node;
  return node;
}

Tensors results_of(const CallRef& call, ValueKind kind) {
  call->results.resize(call->types().size());
  Tensors results;
  for (std::size_t i = 0; i < call->types().size(); ++i) {
    results.push_back(Tensor::of(result_of(call, static_cast<int>(i), kind)));
  }
  return results;
}

const ValueRef& defined_node(const Tensor& tensor, std::string_view where) {
  if (tensor.defined()) return tensor.node();
  throw Error({.where = std::string(where),
               .expected = "a tensor",
               .received = "an undefined one",
               .hint = "A default-constructed Tensor holds no value."});
}

const ir::TensorType& type_of(const Tensor& tensor) { return defined_node(tensor)->type; }

}  // namespace mica::internal
