// float16 (IEEE binary16) and bfloat16 as storage: conversions from and to the native types, rounding to nearest even.
#pragma once
#include <bit>
#include <cstdint>

namespace mica::rt {

struct HalfFormat {
  int exponent_bits, mantissa_bits;
};
inline constexpr HalfFormat kFloat16Format{5, 10}, kBFloat16Format{8, 7};

// From double, so that no value is rounded twice: every float is exact in double.
constexpr std::uint16_t narrow(double value, HalfFormat format) {
  constexpr int kDoubleMantissa = 52, kDoubleBias = 1023;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = bits & ~(std::uint64_t{1} << 63);
  const std::uint64_t infinity = std::uint64_t{0x7ff} << kDoubleMantissa;
  const auto sign = static_cast<std::uint16_t>(bits >> 63 << 15);
  const int top_exponent = (1 << format.exponent_bits) - 1;
  const auto half_infinity = static_cast<std::uint16_t>(top_exponent << format.mantissa_bits);

  if (magnitude > infinity) return static_cast<std::uint16_t>(sign | half_infinity | 1 << (format.mantissa_bits - 1));
  int exponent = static_cast<int>(magnitude >> kDoubleMantissa) - kDoubleBias + (top_exponent >> 1);
  if (exponent >= top_exponent) return sign | half_infinity;

  const std::uint64_t implicit_one = std::uint64_t{1} << kDoubleMantissa;
  const std::uint64_t significand = (magnitude & (implicit_one - 1)) | implicit_one;
  int shift = kDoubleMantissa - format.mantissa_bits;
  if (exponent <= 0) {  // a denormal of the narrow format
    shift += 1 - exponent;
    exponent = 1;
    if (shift > kDoubleMantissa + 1) return sign;
  }
  std::uint64_t rounded = significand >> shift;
  const std::uint64_t rest = significand & ((std::uint64_t{1} << shift) - 1), tie = std::uint64_t{1} << (shift - 1);
  if (rest > tie || (rest == tie && (rounded & 1) != 0)) ++rounded;
  // The implicit one is added to the exponent field; so is a carry of the rounding, up to infinity.
  return static_cast<std::uint16_t>(sign |
                                    ((static_cast<std::uint64_t>(exponent - 1) << format.mantissa_bits) + rounded));
}

constexpr float widen(std::uint16_t bits, HalfFormat format) {
  const std::uint32_t sign = std::uint32_t{bits} >> 15 << 31;
  const std::uint32_t magnitude = bits & 0x7fffu;
  const int spare_bits = 23 - format.mantissa_bits, top_exponent = (1 << format.exponent_bits) - 1;
  const int rebias = 127 - (top_exponent >> 1);
  const auto exponent = static_cast<int>(magnitude >> format.mantissa_bits);
  if (exponent == top_exponent) {
    return std::bit_cast<float>(sign | 0x7f800000u | magnitude << spare_bits);
  }
  if (exponent != 0 || rebias == 0) {
    return std::bit_cast<float>(sign | ((magnitude << spare_bits) + (static_cast<std::uint32_t>(rebias) << 23)));
  }
  // A denormal: an integer times the smallest positive value, exact in float.
  const float smallest = std::bit_cast<float>(static_cast<std::uint32_t>(rebias + 1 - format.mantissa_bits) << 23);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(magnitude) * smallest) | sign);
}

struct Float16 {
  std::uint16_t bits = 0;
  Float16() = default;
  constexpr explicit Float16(double value) : bits(narrow(value, kFloat16Format)) {}
  constexpr operator float() const { return widen(bits, kFloat16Format); }
};
struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  constexpr explicit BFloat16(double value) : bits(narrow(value, kBFloat16Format)) {}
  constexpr operator float() const { return widen(bits, kBFloat16Format); }
};

}  // namespace mica::rt
