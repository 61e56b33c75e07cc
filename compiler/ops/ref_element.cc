#include "compiler/ops/ref_element.h"

#include <array>
#include <cmath>
#include <limits>

#include "runtime/error.h"

namespace mica::ir {
namespace {

using loop::ScalarOp;

int bits_of(DType dtype) { return dtype.is_bool() ? 1 : 8 * dtype.bytes(); }

// Two's complement of the dtype's width.
std::int64_t wrap(std::int64_t value, DType dtype) {
  int bits = bits_of(dtype);
  if (bits == 64) return value;
  std::uint64_t low = static_cast<std::uint64_t>(value) & ((std::uint64_t{1} << bits) - 1);
  bool negative = !dtype.is_unsigned() && !dtype.is_bool() && (low >> (bits - 1)) != 0;
  return static_cast<std::int64_t>(negative ? low - (std::uint64_t{1} << bits) : low);
}

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// Integer division by zero gives 0; shifts by the width or more give 0 (arithmetic shifts: the sign).
std::int64_t evaluate_integer(ScalarOp op, const std::int64_t* x, DType dtype) {
  auto unsigned_of = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  auto signed_of = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
  switch (op) {
    case ScalarOp::k_add:
      return signed_of(unsigned_of(x[0]) + unsigned_of(x[1]));
    case ScalarOp::k_sub:
      return signed_of(unsigned_of(x[0]) - unsigned_of(x[1]));
    case ScalarOp::k_mul:
      return signed_of(unsigned_of(x[0]) * unsigned_of(x[1]));
    case ScalarOp::k_div:
    case ScalarOp::k_floor_div:
      return floor_quotient(x[0], x[1]);
    case ScalarOp::k_mod:
      return x[1] == 0 ? 0 : x[0] - floor_quotient(x[0], x[1]) * x[1];
    case ScalarOp::k_fmod:
      return x[1] == 0 ? 0 : x[0] % x[1];
    case ScalarOp::k_neg:
      return signed_of(-unsigned_of(x[0]));
    case ScalarOp::k_bit_and:
      return x[0] & x[1];
    case ScalarOp::k_bit_or:
      return x[0] | x[1];
    case ScalarOp::k_bit_xor:
      return x[0] ^ x[1];
    case ScalarOp::k_bit_not:
      return ~x[0];
    case ScalarOp::k_shl:
      return x[1] >= bits_of(dtype) ? 0 : signed_of(unsigned_of(x[0]) << x[1]);
    case ScalarOp::k_shr:
      return x[1] >= bits_of(dtype) ? (x[0] < 0 ? -1 : 0) : x[0] >> x[1];
    case ScalarOp::k_mul_high:
      return signed_of((unsigned_of(x[0]) * unsigned_of(x[1])) >> 32);
    default: {  // the others are exact in double, or make no difference to an integer
      double values[3];
      for (int i = 0; i < loop::info(op).arity; ++i) values[i] = static_cast<double>(x[i]);
      return static_cast<std::int64_t>(loop::info(op).evaluate(values));
    }
  }
}

}  // namespace

std::int64_t flat_index(const Ints& dims, const Ints& index) {
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) flat = flat * dims[i] + index[i];
  return flat;
}

double element(const RefTensor& x, const Ints& index) {
  return x.data[static_cast<std::size_t>(flat_index(x.dims, index))];
}

double broadcast_element(const RefTensor& x, const Ints& index) {
  std::size_t skip = index.size() - x.dims.size();
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < x.dims.size(); ++i) flat = flat * x.dims[i] + (x.dims[i] == 1 ? 0 : index[skip + i]);
  return x.data[static_cast<std::size_t>(flat)];
}

void for_each_index(const Ints& dims, const std::function<void(const Ints& index)>& f) {
  for (std::int64_t dim : dims) {
    if (dim == 0) return;
  }
  Ints index(dims.size(), 0);
  while (true) {
    f(index);
    std::size_t axis = dims.size();
    while (axis > 0 && ++index[axis - 1] == dims[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

ReferenceFn each_element(ElementFn f) {
  return [f = std::move(f)](const RefContext& c) {
    std::size_t next = 0;
    for_each_index(c.results[0].dims, [&](const Ints& index) { c.results[0].data[next++] = f(c, index); });
    return absl::OkStatus();
  };
}

absl::Status evaluate_scalar_op(ScalarOp op, const RefContext& c) {
  RefTensor& result = c.results[0];
  const loop::ScalarOpInfo& info = loop::info(op);
  const bool exact = info.type_rule != loop::ScalarClass::kCompare && !result.dtype.is_floating();
  std::size_t next = 0;
  std::array<double, 3> x{};
  for_each_index(result.dims, [&](const Ints& index) {
    for (std::size_t i = 0; i < c.operands.size(); ++i) x[i] = broadcast_element(*c.operands[i], index);
    if (exact) {
      std::array<std::int64_t, 3> n{};
      for (std::size_t i = 0; i < 3; ++i) n[i] = static_cast<std::int64_t>(x[i]);
      result.data[next++] = static_cast<double>(wrap(evaluate_integer(op, n.data(), result.dtype), result.dtype));
    } else {
      result.data[next++] = info.evaluate(x.data());
    }
  });
  return absl::OkStatus();
}

double convert(double value, DType from, DType to) {
  if (to.is_floating()) return value;
  if (to.is_bool()) return value != 0 ? 1 : 0;
  if (!from.is_floating()) return static_cast<double>(wrap(static_cast<std::int64_t>(value), to));
  if (std::isnan(value)) return 0;
  double limit = std::ldexp(1.0, bits_of(to) - (to.is_unsigned() ? 0 : 1));
  double low = to.is_unsigned() ? 0 : -limit;
  return std::trunc(std::min(std::max(value, low), limit - 1));
}

}  // namespace mica::ir
