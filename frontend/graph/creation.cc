// Tensors from numbers: arrays that exist at once.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/graph/value.h"

namespace mica {
namespace {

using internal::make_computed;

void check_static(const Shape& shape, const char* where) {
  if (shape.is_static()) return;
  throw Error({.where = where,
               .expected = "a shape without dynamic dims",
               .received = shape.to_string(),
               .hint = "Arrays have a size; zeros_like(x) and randn_like(x) take that of a symbolic tensor."});
}

Tensor made(rt::Array array, const TensorOptions& options) {
  Tensor made = Tensor::of(make_computed(std::move(array)));
  if (options.device) made = made.to(*options.device);
  return options.requires_grad ? made.requires_grad_() : made;
}

// `otherwise`: the dtype that the options do not say.
template <class F>
Tensor filled(const Shape& shape, DType otherwise, const TensorOptions& options, const char* where, F element) {
  check_static(shape, where);
  rt::Array array = rt::Array::uninitialized(options.dtype.value_or(otherwise), shape.dims());
  for (std::int64_t i = 0; i < array.numel(); ++i) array.set(i, element(i));
  return made(std::move(array), options);
}

DType dtype_of(Scalar number) { return number.is_bool ? kBool : number.is_integral ? kInt64 : kFloat32; }

}  // namespace

namespace internal {

Tensor tensor_of(const void* data, DType dtype, std::size_t count, const Shape& shape, const TensorOptions& options) {
  if (shape.numel() != static_cast<std::int64_t>(count)) {
    throw Error({.where = "tensor",
                 .expected = absl::StrCat(shape.numel(), " values for the shape ", shape.to_string()),
                 .received = absl::StrCat(count),
                 .hint = {}});
  }
  rt::Array array = rt::Array::uninitialized(dtype, shape.dims());
  if (count > 0) std::memcpy(array.data(), data, static_cast<std::size_t>(array.bytes()));
  return made(array.cast(options.dtype.value_or(dtype)), options);
}

Tensor tensor_over(const void* data, DType dtype, const Shape& shape) {
  check_static(shape, "from_blob");
  return Tensor::of(make_computed(rt::Array::borrow(const_cast<void*>(data), dtype, shape.dims())));
}

}  // namespace internal

namespace {

// The numbers of nested braces in order.
struct Flattened {
  std::vector<double> values;
  bool all_bool = true, all_integral = true;
};

// The shape that the first element of every list says.
Shape shape_of(const NestedList& list) {
  std::vector<std::int64_t> dims;
  dims.reserve(8);
  for (const NestedList* at = &list; at->is_list(); at = &at->list()[0]) {
    dims.push_back(static_cast<std::int64_t>(at->list().size()));
    if (at->list().empty()) break;
  }
  return Shape(std::move(dims));
}

[[noreturn]] void throw_ragged(const std::string& expected, const std::string& received) {
  throw Error({.where = "tensor", .expected = expected, .received = received, .hint = {}});
}

void flatten(const NestedList& list, const Shape& shape, int depth, Flattened& out) {
  if (list.is_list() != (depth < shape.rank())) throw_ragged("lists of one depth", "a number beside a list");
  if (!list.is_list()) {
    out.values.push_back(list.value());
    out.all_bool &= list.is_bool();
    out.all_integral &= list.is_integral();
    return;
  }
  auto size = static_cast<std::int64_t>(list.list().size());
  if (size != shape[depth]) throw_ragged(absl::StrCat("lists of one length, ", shape[depth]), absl::StrCat(size));
  for (const NestedList& item : list.list()) flatten(item, shape, depth + 1, out);
}

}  // namespace

Tensor tensor(const NestedList& values, TensorOptions options) {
  Shape shape = shape_of(values);
  Flattened flat;
  flatten(values, shape, 0, flat);
  DType dtype = flat.values.empty() ? kFloat32 : flat.all_bool ? kBool : flat.all_integral ? kInt64 : kFloat32;
  return filled(shape, dtype, options, "tensor",
                [&](std::int64_t i) { return flat.values[static_cast<std::size_t>(i)]; });
}

Tensor zeros(const Shape& shape, TensorOptions options) {
  check_static(shape, "zeros");
  return made(rt::Array::zeros(options.dtype.value_or(kFloat32), shape.dims()), options);
}
Tensor ones(const Shape& shape, TensorOptions options) { return full(shape, 1.0, options); }
Tensor full(const Shape& shape, Scalar value, TensorOptions options) {
  check_static(shape, "full");
  rt::Array array = rt::Array::uninitialized(options.dtype.value_or(dtype_of(value)), shape.dims());
  if (array.numel() == 0) return made(std::move(array), options);
  array.set(0, value.value);
  const std::int64_t bytes = array.bytes();
  for (std::int64_t known = array.dtype().bytes(); known < bytes; known *= 2) {  // what is there, once more behind it
    std::memcpy(array.as<char>() + known, array.data(), static_cast<std::size_t>(std::min(known, bytes - known)));
  }
  return made(std::move(array), options);
}

namespace {
Tensor full_like(const Tensor& x, double value) {
  const internal::ValueRef& node = internal::defined_node(x);
  bool concrete = node->kind != internal::ValueKind::kTraced && node->kind != internal::ValueKind::kSymbolic;
  if (concrete) return full(x.shape(), value, {.dtype = x.dtype()});
  Tensor number = Tensor::of(internal::make_literal(value, x.dtype()));
  Tensor shape = internal::apply("not_equal", {x, x});  // any bool of x's shape: both branches are the number
  return internal::apply("where", {shape, number, number});
}
}  // namespace

Tensor zeros_like(const Tensor& x) { return full_like(x, 0); }
Tensor ones_like(const Tensor& x) { return full_like(x, 1); }

Tensor arange(Scalar stop) { return arange(Scalar(std::int64_t{0}), stop); }
Tensor arange(Scalar start, Scalar stop, Scalar step, TensorOptions options) {
  if (step.value == 0 || !std::isfinite(start.value) || !std::isfinite(stop.value)) {
    throw Error({.where = "arange",
                 .expected = "finite ends and a step other than 0",
                 .received = absl::StrCat("step ", step.value),
                 .hint = {}});
  }
  bool integral = start.is_integral && stop.is_integral && step.is_integral;
  auto count = static_cast<std::int64_t>(std::max(0.0, std::ceil((stop.value - start.value) / step.value)));
  return filled({count}, integral ? kInt64 : kFloat32, options, "arange",
                [&](std::int64_t i) { return start.value + static_cast<double>(i) * step.value; });
}
Tensor linspace(double start, double stop, std::int64_t steps, TensorOptions options) {
  double gap = steps > 1 ? (stop - start) / static_cast<double>(steps - 1) : 0;
  return filled({steps}, kFloat32, options, "linspace", [&](std::int64_t i) {
    // From both ends, so that the last element is `stop` exactly.
    return i < steps / 2 ? start + static_cast<double>(i) * gap : stop - static_cast<double>(steps - 1 - i) * gap;
  });
}
Tensor eye(std::int64_t n, TensorOptions options) {
  return filled({n, n}, kFloat32, options, "eye", [&](std::int64_t i) { return i % (n + 1) == 0; });
}

Tensor rand(const Shape& shape, TensorOptions options) {
  internal::RandomStream stream;
  return filled(shape, kFloat32, options, "rand", [&](std::int64_t) { return stream.uniform(); });
}
Tensor randn(const Shape& shape, TensorOptions options) {
  internal::RandomStream stream;
  return filled(shape, kFloat32, options, "randn", [&](std::int64_t) { return stream.normal(); });
}
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, TensorOptions options) {
  if (high <= low) {
    throw Error({.where = "randint",
                 .expected = "high above low",
                 .received = absl::StrCat("low ", low, ", high ", high),
                 .hint = "high is never drawn."});
  }
  internal::RandomStream stream;
  return filled(shape, kInt64, options, "randint", [&](std::int64_t) {
    return static_cast<double>(low +
                               static_cast<std::int64_t>(stream.next_u64() % static_cast<std::uint64_t>(high - low)));
  });
}
Tensor randperm(std::int64_t n) {
  internal::RandomStream stream;
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = n - 1; i > 0; --i) {  // Fisher-Yates
    auto other = static_cast<std::size_t>((std::uint64_t{stream.next_u32()} * static_cast<std::uint64_t>(i + 1)) >> 32);
    std::swap(order[static_cast<std::size_t>(i)], order[other]);
  }
  return tensor(order, {n});
}

}  // namespace mica
