#include "compiler/loop/scalar_eval.h"

#include <bit>
#include <cmath>
#include <limits>

#include "runtime/error.h"

namespace mica::loop {
namespace {

// A binary16 or bfloat16 rounded from double in one step, by scaling to integers of the format's precision.
double round_to_precision(double value, int mantissa_bits, int min_exponent, double max_finite) {
  if (!std::isfinite(value) || value == 0) return value;
  int exponent = 0;
  std::frexp(value, &exponent);  // |value| in [2^(exponent-1), 2^exponent)
  int unit = std::max(exponent - 1, min_exponent) - mantissa_bits;
  double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  return std::fabs(rounded) > max_finite ? std::copysign(std::numeric_limits<double>::infinity(), value) : rounded;
}

constexpr double kMaxFloat16 = 65504.0;
const double kMaxBFloat16 = std::bit_cast<float>(0x7f7f0000u);

bool is_exact_in_float(ScalarOp op) {
  switch (op) {
    case ScalarOp::k_add:
    case ScalarOp::k_sub:
    case ScalarOp::k_mul:
    case ScalarOp::k_div:
    case ScalarOp::k_floor_div:
    case ScalarOp::k_fma:
      return true;
    default:
      return false;
  }
}

// The operations whose float result differs from the rounded double one, or is worth the shorter way.
float evaluate_in_float(ScalarOp op, float a, float b, float c) {
  switch (op) {
    case ScalarOp::k_add:
      return a + b;
    case ScalarOp::k_sub:
      return a - b;
    case ScalarOp::k_mul:
      return a * b;
    case ScalarOp::k_div:
      return a / b;
    case ScalarOp::k_floor_div:
      return std::floor(a / b);
    default:
      return std::fma(a, b, c);
  }
}

int bits_of(DType dtype) { return dtype.is_bool() ? 1 : dtype.bytes() * 8; }

std::int64_t floor_quotient(std::int64_t a, std::int64_t b, bool is_unsigned) {
  if (b == 0) return 0;
  if (is_unsigned) return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) / static_cast<std::uint64_t>(b));
  if (b == -1) return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a));
  std::int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

std::uint64_t modular(ScalarOp op, std::uint64_t a, std::uint64_t b) {
  switch (op) {
    case ScalarOp::k_add:
      return a + b;
    case ScalarOp::k_sub:
      return a - b;
    default:
      return a * b;
  }
}

bool less(std::int64_t a, std::int64_t b, bool is_unsigned) {
  return is_unsigned ? static_cast<std::uint64_t>(a) < static_cast<std::uint64_t>(b) : a < b;
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent, bool is_unsigned) {
  if (exponent < 0 && !is_unsigned) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  std::uint64_t result = 1, factor = static_cast<std::uint64_t>(base), e = static_cast<std::uint64_t>(exponent);
  for (; e != 0; e >>= 1, factor *= factor) {
    if (e & 1) result *= factor;
  }
  return static_cast<std::int64_t>(result);
}

std::int64_t shift_right(std::int64_t a, std::int64_t b, DType dtype) {
  int count = static_cast<int>(b & (bits_of(dtype) - 1));
  return dtype.is_unsigned() ? static_cast<std::int64_t>(static_cast<std::uint64_t>(a) >> count) : a >> count;
}

}  // namespace

double round_to(double value, DType dtype) {
  switch (dtype.kind()) {
    case DType::kFloat16:
      return round_to_precision(value, 10, -14, kMaxFloat16);
    case DType::kBFloat16:
      return round_to_precision(value, 7, -126, kMaxBFloat16);
    case DType::kFloat32:
      return static_cast<float>(value);
    default:
      return value;
  }
}

std::int64_t wrap_to(std::int64_t value, DType dtype) {
  switch (dtype.kind()) {
    case DType::kBool:
      return value != 0;
    case DType::kInt8:
      return static_cast<std::int8_t>(value);
    case DType::kInt16:
      return static_cast<std::int16_t>(value);
    case DType::kInt32:
      return static_cast<std::int32_t>(value);
    case DType::kUInt8:
      return static_cast<std::uint8_t>(value);
    case DType::kUInt16:
      return static_cast<std::uint16_t>(value);
    case DType::kUInt32:
      return static_cast<std::uint32_t>(value);
    default:
      return value;
  }
}

double evaluate_float(ScalarOp op, DType dtype, const double* x) {
  const int arity = info(op).arity;
  if (dtype == kFloat64 || !is_exact_in_float(op)) return round_to(info(op).evaluate(x), dtype);
  return round_to(evaluate_in_float(op, static_cast<float>(x[0]), static_cast<float>(x[1]),
                                    arity > 2 ? static_cast<float>(x[2]) : 0.0F),
                  dtype);
}

bool compare_float(ScalarOp op, const double* x) { return info(op).evaluate(x) != 0; }

std::int64_t evaluate_integer(ScalarOp op, DType dtype, const std::int64_t* x) {
  const bool is_unsigned = dtype.is_unsigned();
  const std::int64_t a = x[0], b = info(op).arity > 1 ? x[1] : 0;
  auto wrap = [&](std::int64_t value) { return wrap_to(value, dtype); };
  switch (op) {
    case ScalarOp::k_add:
    case ScalarOp::k_sub:
    case ScalarOp::k_mul:
      return wrap(static_cast<std::int64_t>(modular(op, static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b))));
    case ScalarOp::k_fma: {
      std::int64_t product = static_cast<std::int64_t>(
          modular(ScalarOp::k_mul, static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
      return wrap(static_cast<std::int64_t>(static_cast<std::uint64_t>(product) + static_cast<std::uint64_t>(x[2])));
    }
    case ScalarOp::k_div:
    case ScalarOp::k_floor_div:
      return wrap(floor_quotient(a, b, is_unsigned));
    case ScalarOp::k_mod:
      return b == 0 ? 0 : wrap(a - b * floor_quotient(a, b, is_unsigned));
    case ScalarOp::k_fmod:
      if (b == 0 || (b == -1 && !is_unsigned)) return 0;
      return is_unsigned ? static_cast<std::int64_t>(static_cast<std::uint64_t>(a) % static_cast<std::uint64_t>(b))
                         : a % b;
    case ScalarOp::k_max:
      return less(a, b, is_unsigned) ? b : a;
    case ScalarOp::k_min:
      return less(b, a, is_unsigned) ? b : a;
    case ScalarOp::k_neg:
      return wrap(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a)));
    case ScalarOp::k_abs:
      return !is_unsigned && a < 0 ? wrap(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a))) : a;
    case ScalarOp::k_sign:
      return a == 0 ? 0 : less(a, 0, is_unsigned) ? -1 : 1;
    case ScalarOp::k_floor:
    case ScalarOp::k_ceil:
    case ScalarOp::k_round:
    case ScalarOp::k_trunc:
      return a;
    case ScalarOp::k_pow:
      return wrap(integer_power(a, b, is_unsigned));
    case ScalarOp::k_bit_and:
      return a & b;
    case ScalarOp::k_bit_or:
      return a | b;
    case ScalarOp::k_bit_xor:
      return a ^ b;
    case ScalarOp::k_bit_not:
      return dtype.is_bool() ? a == 0 : wrap(~a);
    case ScalarOp::k_shl:
      return wrap(static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << (b & (bits_of(dtype) - 1))));
    case ScalarOp::k_shr:
      return shift_right(a, b, dtype);
    case ScalarOp::k_mul_high:
      return static_cast<std::int64_t>((static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b)) >> 32);
    default:
      MICA_CHECK(false) << info(op).name << " has no meaning on " << dtype.short_name();
      return 0;
  }
}

bool compare_integer(ScalarOp op, DType dtype, const std::int64_t* x) {
  const bool is_unsigned = dtype.is_unsigned();
  switch (op) {
    case ScalarOp::k_eq:
      return x[0] == x[1];
    case ScalarOp::k_ne:
      return x[0] != x[1];
    case ScalarOp::k_lt:
      return less(x[0], x[1], is_unsigned);
    case ScalarOp::k_le:
      return !less(x[1], x[0], is_unsigned);
    case ScalarOp::k_gt:
      return less(x[1], x[0], is_unsigned);
    case ScalarOp::k_ge:
      return !less(x[0], x[1], is_unsigned);
    default:
      return false;  // is_nan, is_inf
  }
}

std::int64_t float_to_integer(double value, DType dtype) {
  if (dtype.is_bool()) return value != 0;
  if (std::isnan(value)) return 0;
  const int bits = bits_of(dtype);
  const bool is_unsigned = dtype.is_unsigned();
  const double below = is_unsigned ? 0 : -std::ldexp(1.0, bits - 1);
  const double beyond = std::ldexp(1.0, is_unsigned ? bits : bits - 1);
  if (value <= below) return is_unsigned ? 0 : static_cast<std::int64_t>(below);
  if (value >= beyond) return is_unsigned ? wrap_to(-1, dtype) : static_cast<std::int64_t>((1ULL << (bits - 1)) - 1);
  return is_unsigned ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value)) : static_cast<std::int64_t>(value);
}

double integer_to_float(std::int64_t value, DType from, DType to) {
  // 64-bit integers round once only when they go to float directly.
  if (to == kFloat32) {
    return from == kUInt64 ? static_cast<float>(static_cast<std::uint64_t>(value)) : static_cast<float>(value);
  }
  return round_to(from == kUInt64 ? static_cast<double>(static_cast<std::uint64_t>(value)) : static_cast<double>(value),
                  to);
}

std::uint64_t float_to_bits(double value, DType dtype) {
  switch (dtype.kind()) {
    case DType::kFloat64:
      return std::bit_cast<std::uint64_t>(value);
    case DType::kFloat32:
      return std::bit_cast<std::uint32_t>(static_cast<float>(value));
    case DType::kBFloat16: {
      std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(round_to(value, dtype)));
      return std::isnan(value) ? (bits >> 16) | 0x40 : bits >> 16;
    }
    default: {
      const std::uint64_t sign = std::signbit(value) ? 0x8000 : 0;
      if (std::isnan(value)) return sign | 0x7e00;
      const double magnitude = std::fabs(round_to(value, dtype));
      if (std::isinf(magnitude)) return sign | 0x7c00;
      if (magnitude < std::ldexp(1.0, -14)) return sign | static_cast<std::uint64_t>(std::ldexp(magnitude, 24));
      int exponent = 0;
      const double fraction = std::frexp(magnitude, &exponent);  // [0.5, 1)
      return sign | static_cast<std::uint64_t>(exponent + 14) << 10 |
             (static_cast<std::uint64_t>(std::ldexp(fraction, 11)) & 0x3ff);
    }
  }
}

double bits_to_float(std::uint64_t bits, DType dtype) {
  switch (dtype.kind()) {
    case DType::kFloat64:
      return std::bit_cast<double>(bits);
    case DType::kFloat32:
      return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case DType::kBFloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
    default: {
      const int exponent = static_cast<int>(bits >> 10 & 0x1f);
      const double mantissa = static_cast<double>(bits & 0x3ff);
      double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
      if (exponent == 31) {
        magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
      }
      return bits & 0x8000 ? -magnitude : magnitude;
    }
  }
}

}  // namespace mica::loop
