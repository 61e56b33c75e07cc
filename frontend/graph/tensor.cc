// Tensor: what is known of a value, and reading it.
#include "frontend/mica/tensor.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/tensor_text.h"
#include "frontend/graph/value.h"

namespace mica {

using internal::defined_node;
using internal::ValueKind;

Tensor::Tensor() = default;
Tensor Tensor::of(internal::ValueRef node) {
  Tensor tensor;
  tensor.node_ = std::move(node);
  return tensor;
}

bool Tensor::defined() const { return node_ != nullptr; }
bool Tensor::is_symbolic() const { return defined_node(*this)->kind == ValueKind::kSymbolic; }
bool Tensor::same_as(const Tensor& other) const {
  if (node_ == other.node_) return true;
  if (!node_ || !other.node_) return false;
  return node_->kind == ValueKind::kVariable && other.node_->kind == ValueKind::kVariable &&
         node_->cell == other.node_->cell;
}
const Shape& Tensor::shape() const {
  const internal::ValueRef& node = defined_node(*this);
  if (node->kind == internal::ValueKind::kVariable && node->cell->is_uninitialized()) node->cell->value();  // says what to do
  return node->shape;
}
std::int64_t Tensor::size(int axis) const { return shape()[axis]; }
std::int64_t Tensor::numel() const { return shape().numel(); }
int Tensor::dim() const { return shape().rank(); }
DType Tensor::dtype() const { return defined_node(*this)->type.dtype; }
Device Tensor::device() const {
  defined_node(*this);
  return "cpu";
}
const std::string& Tensor::name() const { return defined_node(*this)->name; }
Tensor Tensor::mask() const { return Tensor::of(defined_node(*this)->mask); }

void Tensor::eval() const { internal::compute(defined_node(*this)); }

void Tensor::copy_to(void* out, DType dtype, std::size_t count) const {
  rt::Array array = internal::compute(defined_node(*this));
  if (static_cast<std::size_t>(array.numel()) != count) {
    throw Error({.where = "item",
                 .expected = "a tensor of one element",
                 .received = internal::describe(*this),
                 .hint = "to_vector() reads all elements."});
  }
  rt::Array converted = array.cast(dtype);
  if (count > 0) std::memcpy(out, converted.data(), static_cast<std::size_t>(converted.bytes()));
}

std::span<const std::byte> Tensor::bytes(DType wanted) const {
  rt::Array array = internal::compute(defined_node(*this));
  if (array.dtype() != wanted) {
    throw Error({.where = "data",
                 .expected = absl::StrCat("the element type of the tensor, ", array.dtype().name()),
                 .received = wanted.name(),
                 .hint = "to_vector<T>() converts."});
  }
  return {array.as<const std::byte>(), static_cast<std::size_t>(array.bytes())};
}

std::string Tensor::to_string() const {
  if (!defined()) return "tensor(undefined)";
  if (node_->kind == ValueKind::kSymbolic || node_->kind == ValueKind::kTraced) {
    return absl::StrCat("tensor(", node_->name, node_->name.empty() ? "" : " ", internal::describe(*this), ")");
  }
  std::vector<std::string> suffixes;
  if (requires_grad()) {
    const bool made = node_->kind != ValueKind::kVariable && node_->producer && node_->producer->op;
    suffixes.push_back(made ? absl::StrCat("grad_fn=<", node_->producer->op->name, ">") : "requires_grad=True");
  }
  return internal::text_of(internal::compute(node_), std::move(suffixes));
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.to_string(); }

Tensor Tensor::to(const Device& device) const {
  defined_node(*this);
  if (device.is_cpu() || device.is_reference()) return *this;
  throw Error({.where = "Tensor::to",
               .expected = "a device of this machine: cpu",
               .received = device.name(),
               .hint = "cuda_device_count() says how many GPUs can be used."});
}
Tensor Tensor::to(const char* device) const { return to(Device(device)); }
Tensor Tensor::to(const std::string& device) const { return to(Device(device)); }
Tensor Tensor::cpu() const { return to(Device("cpu")); }

}  // namespace mica
