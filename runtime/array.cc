#include "runtime/array.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "runtime/error.h"
#include "runtime/half.h"
#include "runtime/memory.h"

namespace mica::rt {
namespace {

std::string dims_text(DType dtype, const std::vector<std::int64_t>& dims) {
  std::string text = dtype.short_name() + "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(dims[i]);
  return text + "]";
}

// Bytes of the storage; throws when they cannot be counted in 63 bits.
std::int64_t checked_bytes(DType dtype, const std::vector<std::int64_t>& dims) {
  std::int64_t bytes = dtype.bytes();
  bool overflow = false, empty = false;
  for (const std::int64_t dim : dims) {
    MICA_CHECK(dim >= 0) << "dims of an array: " << dims_text(dtype, dims);
    empty = empty || dim == 0;
    overflow = overflow || __builtin_mul_overflow(bytes, dim, &bytes);
  }
  if (empty) return 0;
  if (overflow) {
    throw Error(
        {.where = "Array", .expected = "fewer than 2^63 bytes", .received = dims_text(dtype, dims), .hint = {}});
  }
  return bytes;
}

// Calls f with a value of the C++ type of `dtype`.
template <class F>
auto with_type(DType dtype, F&& f) {
  switch (dtype.kind()) {
    case DType::kBool:
      return f(bool{});
    case DType::kInt8:
      return f(std::int8_t{});
    case DType::kInt16:
      return f(std::int16_t{});
    case DType::kInt32:
      return f(std::int32_t{});
    case DType::kInt64:
      return f(std::int64_t{});
    case DType::kUInt8:
      return f(std::uint8_t{});
    case DType::kUInt16:
      return f(std::uint16_t{});
    case DType::kUInt32:
      return f(std::uint32_t{});
    case DType::kUInt64:
      return f(std::uint64_t{});
    case DType::kFloat16:
      return f(Float16{});
    case DType::kBFloat16:
      return f(BFloat16{});
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      break;
  }
  return f(double{});
}

template <class T>
constexpr bool kIsHalf = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

// Truncates; the integer is taken modulo 2^64, values outside the 64-bit range saturate and NaN is 0.
std::int64_t truncate(double value) {
  if (std::isnan(value)) return 0;
  constexpr double kTwo63 = 9223372036854775808.0;
  if (value >= 2 * kTwo63) return -1;  // all ones: the largest unsigned value
  if (value >= kTwo63) return static_cast<std::int64_t>(static_cast<std::uint64_t>(value));
  if (value < -kTwo63) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

template <class To, class From>
To convert(From value) {
  if constexpr (kIsHalf<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (kIsHalf<To>) {
    return To(static_cast<double>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return static_cast<To>(truncate(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

Array Array::uninitialized(DType dtype, std::vector<std::int64_t> dims) {
  void* const data = allocate_aligned(checked_bytes(dtype, dims), "Array");
  Array array;
  array.owner_ = std::shared_ptr<void>(data, std::free);
  array.data_ = data;
  array.dtype_ = dtype;
  array.dims_ = std::move(dims);
  return array;
}

Array Array::zeros(DType dtype, std::vector<std::int64_t> dims) {
  Array array = uninitialized(dtype, std::move(dims));
  std::memset(array.data_, 0, static_cast<std::size_t>(array.bytes()));
  return array;
}

Array Array::borrow(void* data, DType dtype, std::vector<std::int64_t> dims, std::shared_ptr<void> owner) {
  MICA_CHECK(data != nullptr) << "borrowed storage";
  checked_bytes(dtype, dims);
  Array array;
  array.owner_ = std::move(owner);
  array.data_ = data;
  array.borrowed_ = true;
  array.dtype_ = dtype;
  array.dims_ = std::move(dims);
  return array;
}

std::int64_t Array::numel() const {
  // An empty array may have dims whose product does not fit.
  if (std::find(dims_.begin(), dims_.end(), 0) != dims_.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t dim : dims_) count *= dim;
  return count;
}

Array Array::reshaped(std::vector<std::int64_t> dims) const {
  Array other = *this;
  other.dims_ = std::move(dims);
  MICA_CHECK(other.numel() == numel()) << dims_text(dtype_, dims_) << " as " << dims_text(dtype_, other.dims_);
  return other;
}

Array Array::cast(DType dtype) const {
  if (dtype == dtype_ || !defined()) return *this;
  Array other = uninitialized(dtype, dims_);
  const std::int64_t count = numel();
  with_type(dtype_, [&](auto from) {
    with_type(dtype, [&](auto to) {
      const auto* source = as<const decltype(from)>();
      auto* target = other.as<decltype(to)>();
      for (std::int64_t i = 0; i < count; ++i) target[i] = convert<decltype(to)>(source[i]);
    });
  });
  return other;
}

double Array::at(std::int64_t i) const {
  return with_type(dtype_, [&](auto type) { return convert<double>(as<const decltype(type)>()[i]); });
}

void Array::set(std::int64_t i, double value) const {
  with_type(dtype_, [&](auto type) { as<decltype(type)>()[i] = convert<decltype(type)>(value); });
}

}  // namespace mica::rt
