#include "frontend/graph/variable.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/trace.h"

namespace mica {
namespace internal {

namespace {

[[noreturn]] void throw_uninitialized(const std::string& path) {
  throw Error({.where = path,
               .expected = "a parameter that has a shape and a value",
               .received = "an uninitialized one, of a lazy module",
               .hint = "Call the module once, or load its state, before its parameters are read."});
}

}  // namespace

ValueRef VariableCell::value() const {
  if (uninitialized_) throw_uninitialized(path);
  std::lock_guard lock(mutex_);
  return value_;
}

void VariableCell::initialize(const Tensor& value) {
  type.dims = type_of(value).dims;
  uninitialized_ = false;
  for (const auto& weak : handles_) {
    ValueRef handle = weak.lock();
    if (!handle) continue;
    handle->type = type;
    handle->shape = shape_of(type);
  }
  bind(value);
}

void VariableCell::uninitialize() {
  type.dims.clear();
  uninitialized_ = true;
  std::lock_guard lock(mutex_);
  value_ = nullptr;
}

std::uint64_t VariableCell::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

// The value as the Variable's own: a node that is nobody's result, so that gradients end at it.
ValueRef VariableCell::snapshot_of(const ValueRef& value) {
  if (!requires_grad() && !value->requires_grad) return value;
  ValueRef own = detached(value);
  own->requires_grad = requires_grad();
  if (own->requires_grad) own->leaf = weak_from_this();
  return own;
}

void VariableCell::set_trainable(bool on) {
  trainable = on;
  renew();
}

void VariableCell::set_requires_grad(bool on) {
  frozen = !on;
  trainable = trainable || on;
  renew();
}

void VariableCell::renew() {
  if (uninitialized_) return;
  ValueRef own = snapshot_of(value());
  if (!requires_grad()) {
    own->requires_grad = false;
    own->leaf.reset();
  }
  std::lock_guard lock(mutex_);
  if (own->variable_id == 0) {
    own->variable_id = value_->variable_id;
    own->variable_version = value_->variable_version;
  }
  value_ = std::move(own);
}

Tensor VariableCell::grad() const {
  std::lock_guard lock(mutex_);
  return grad_;
}

void VariableCell::set_grad(const Tensor& value) {
  std::lock_guard lock(mutex_);
  grad_ = value;
}

void VariableCell::rebind(ValueRef value) {
  if (value->kind == ValueKind::kPending) PendingCalls::of_thread()->add_binding(shared_from_this());
  std::lock_guard lock(mutex_);
  // A value bound to two Variables keeps the identity of the first: equal (id, version) still means equal contents.
  ++version_;
  if (value->variable_id == 0) {
    value->variable_id = id;
    value->variable_version = version_;
  }
  value_ = std::move(value);
}

void VariableCell::bind(const Tensor& tensor) {
  if (uninitialized_) throw_uninitialized(path);
  ValueRef node = current_value(defined_node(tensor, path));
  if (node->kind != ValueKind::kComputed && node->kind != ValueKind::kPending) {
    throw Error({.where = path,
                 .expected = "a concrete value to assign",
                 .received = absl::StrCat("a symbolic one, ", describe(node->type)),
                 .hint = "A Variable holds numbers; assign inside a layer's call to update state."});
  }
  if (node->type.dims != type.dims) {
    throw Error({.where = path,
                 .expected = absl::StrCat("a value of shape ", shape_of(type).to_string()),
                 .received = describe(node->type),
                 .hint = "A Variable keeps its shape."});
  }
  if (node->type.dtype != type.dtype) node = cast(Tensor::of(node), type.dtype).node();
  if (node->literal) node = make_computed(node->array);
  rebind(snapshot_of(node));
}

void VariableCell::convert(DType dtype) {
  if (uninitialized_) {
    type.dtype = dtype;
    return;
  }
  Tensor value = Tensor::of(this->value());
  type.dtype = dtype;
  bind(cast(value, dtype));
}

ValueRef VariableCell::exchange(ValueRef value) {
  std::lock_guard lock(mutex_);
  return std::exchange(value_, std::move(value));
}

void VariableCell::bind_array(rt::Array array) { rebind(snapshot_of(make_computed(std::move(array)))); }

rt::Array VariableCell::array() const { return compute(value()); }

rt::Array VariableCell::lend() {
  array();  // computes what is pending
  std::lock_guard lock(mutex_);
  bool held_elsewhere = value_.use_count() > 1;
  return held_elsewhere ? value_->array : std::move(value_->array);
}

void VariableCell::restore(rt::Array array) {
  std::lock_guard lock(mutex_);
  if (!value_->array.defined()) value_->array = std::move(array);
}

namespace {

CellRef new_cell(std::string_view path, ir::TensorType type, bool trainable) {
  static std::atomic<std::uint64_t> next_id{1};
  auto cell = std::make_shared<VariableCell>();
  cell->path = path;
  std::size_t slash = path.rfind('/');
  cell->name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  cell->type = std::move(type);
  cell->trainable = trainable;
  cell->is_buffer = !trainable;
  cell->id = next_id++;
  return cell;
}

}  // namespace

CellRef make_cell(std::string_view path, const Tensor& initial, bool trainable) {
  CellRef cell = new_cell(path, type_of(initial), trainable);
  cell->bind(initial);
  return cell;
}

CellRef make_uninitialized_cell(std::string_view path, bool trainable) {
  CellRef cell = new_cell(path, {kFloat32, {}}, trainable);
  cell->uninitialize();
  return cell;
}

namespace {

const CellRef& cell_of(const Tensor& tensor) {
  const ValueRef& node = defined_node(tensor);
  if (node->kind == ValueKind::kVariable) return node->cell;
  throw Error({.where = "assign",
               .expected = "a Variable",
               .received = absl::StrCat("a value, ", describe(node->type)),
               .hint = "Values never change; make a Variable(value) to hold one that does."});
}

}  // namespace
}  // namespace internal

Variable::Variable() = default;

Variable::Variable(const Tensor& initial_value, std::string_view name, bool trainable)
    : Variable(of(internal::make_cell(name.empty() ? "variable" : name, initial_value, trainable))) {}

Variable Variable::of(std::shared_ptr<internal::VariableCell> cell) {
  auto node = std::make_shared<internal::ValueNode>();
  node->kind = internal::ValueKind::kVariable;
  node->type = cell->type;
  node->shape = internal::shape_of(cell->type);
  node->name = cell->path;
  if (cell->is_uninitialized()) cell->add_handle(node);
  node->cell = std::move(cell);
  Variable variable;
  variable.node_ = std::move(node);
  return variable;
}

const std::shared_ptr<internal::VariableCell>& Variable::cell() const { return internal::cell_of(*this); }
const std::string& Variable::path() const { return cell()->path; }
bool Variable::trainable() const { return cell()->trainable; }
void Variable::set_trainable(bool on) { cell()->set_trainable(on); }

void Tensor::assign(const Tensor& value) {
  const internal::CellRef& cell = internal::cell_of(*this);
  if (internal::Trace* trace = internal::Trace::current()) {
    trace->update(cell, value);
  } else {
    cell->bind(value);
  }
}
void Tensor::assign_add(const Tensor& value) { assign(*this + value); }
void Tensor::assign_sub(const Tensor& value) { assign(*this - value); }

namespace {
bool is_variable(const Tensor& tensor) {
  return tensor.defined() && tensor.node()->kind == internal::ValueKind::kVariable;
}
Tensor& replace(Tensor& target, const Tensor& value) {
  if (is_variable(target)) {
    target.assign(value);
  } else {
    target = value;
  }
  return target;
}
}  // namespace

Tensor& Tensor::operator+=(const Tensor& other) { return replace(*this, *this + other); }
Tensor& Tensor::operator-=(const Tensor& other) { return replace(*this, *this - other); }
Tensor& Tensor::operator*=(const Tensor& other) { return replace(*this, *this * other); }
Tensor& Tensor::operator/=(const Tensor& other) { return replace(*this, *this / other); }
Tensor& Tensor::operator+=(Scalar other) { return replace(*this, *this + other); }
Tensor& Tensor::operator-=(Scalar other) { return replace(*this, *this - other); }
Tensor& Tensor::operator*=(Scalar other) { return replace(*this, *this * other); }
Tensor& Tensor::operator/=(Scalar other) { return replace(*this, *this / other); }

}  // namespace mica
