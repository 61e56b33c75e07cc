// Tensor: what is known of a value, and reading it.
#include "frontend/mica/tensor.h"

#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
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
const Shape& Tensor::shape() const { return defined_node(*this)->shape; }
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

namespace {

std::string number_text(double value, DType dtype) {
  if (dtype.is_bool()) return value != 0 ? "true" : "false";
  if (!dtype.is_floating()) return absl::StrCat(static_cast<std::int64_t>(value));
  std::string text = absl::StrCat(value);
  return std::isfinite(value) && text.find_first_of(".e") == std::string::npos ? text + "." : text;
}

// NumPy's nested brackets; long axes show three elements at both ends.
void append_elements(const rt::Array& array, std::size_t axis, std::int64_t offset, std::string& out) {
  if (axis == array.dims().size()) {
    out += number_text(array.at(offset), array.dtype());
    return;
  }
  constexpr std::int64_t kShown = 3;
  std::int64_t size = array.dims()[axis], stride = 1;
  for (std::size_t i = axis + 1; i < array.dims().size(); ++i) stride *= array.dims()[i];
  bool innermost = axis + 1 == array.dims().size();
  out += "[";
  for (std::int64_t i = 0; i < size; ++i) {
    if (i > 0) out += innermost ? ", " : absl::StrCat(",\n", std::string(axis + 8, ' '));
    if (size > 2 * kShown + 1 && i == kShown) {
      out += "…";
      i = size - kShown - 1;
      continue;
    }
    append_elements(array, axis + 1, offset + i * stride, out);
  }
  out += "]";
}

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "tensor(undefined)";
  if (node_->kind == ValueKind::kSymbolic || node_->kind == ValueKind::kTraced) {
    return absl::StrCat("tensor(", node_->name, node_->name.empty() ? "" : " ", internal::describe(*this), ")");
  }
  rt::Array array = internal::compute(node_);
  std::string text = "tensor(";
  append_elements(array, 0, 0, text);
  if (array.dtype() != kFloat32) absl::StrAppend(&text, ", dtype=", array.dtype().name());
  return text + ")";
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
