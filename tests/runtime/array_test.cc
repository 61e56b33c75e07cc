#include "runtime/array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/error.h"
#include "runtime/half.h"

namespace mica::rt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Array, IsUndefinedUntilMade) {
  Array array;
  EXPECT_FALSE(array.defined());
  EXPECT_FALSE(array.sole_owner());
}

TEST(Array, StorageIsAlignedAndZeroed) {
  const Array array = Array::zeros(kFloat32, {3, 5});
  EXPECT_EQ(array.numel(), 15);
  EXPECT_EQ(array.bytes(), 60);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0u);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(array.at(i), 0.0);
}

TEST(Array, EmptyAndScalarShapes) {
  EXPECT_TRUE(Array::uninitialized(kInt8, {0, 4}).defined());
  EXPECT_EQ(Array::uninitialized(kInt8, {0, 4}).numel(), 0);
  EXPECT_EQ(Array::uninitialized(kFloat64, {}).numel(), 1);
}

TEST(Array, TooManyBytesIsAnError) {
  EXPECT_THROW(Array::uninitialized(kFloat32, {std::int64_t{1} << 31, std::int64_t{1} << 31}), Error);
  // An empty array has no bytes, whatever its other dims.
  EXPECT_EQ(Array::uninitialized(kFloat32, {std::int64_t{1} << 40, std::int64_t{1} << 40, 0}).bytes(), 0);
}

TEST(Array, SoleOwnerSeesEveryAliasAndBorrowing) {
  Array array = Array::zeros(kFloat32, {2});
  EXPECT_TRUE(array.sole_owner());
  {
    const Array alias = array.reshaped({2, 1});
    EXPECT_TRUE(alias.same_storage(array));
    EXPECT_FALSE(array.sole_owner());
  }
  EXPECT_TRUE(array.sole_owner());
  float outside[2] = {1, 2};
  const Array borrowed = Array::borrow(outside, kFloat32, {2}, std::make_shared<int>(0));
  EXPECT_FALSE(borrowed.sole_owner());
  borrowed.set(1, 5);
  EXPECT_EQ(outside[1], 5.0f);
}

TEST(Array, ReshapeKeepsTheNumberOfElements) {
  EXPECT_THROW(Array::zeros(kFloat32, {2, 3}).reshaped({5}), InternalError);
}

TEST(Array, SetAndAtRoundTripInEveryType) {
  for (int kind = 0; kind < DType::kCount; ++kind) {
    const DType dtype(static_cast<DType::Kind>(kind));
    const Array array = Array::zeros(dtype, {2});
    array.set(1, 1);
    EXPECT_EQ(array.at(0), 0.0) << dtype.name();
    EXPECT_EQ(array.at(1), 1.0) << dtype.name();
  }
}

TEST(Array, CastTruncatesWrapsAndKeepsIntegersExact) {
  const Array values = Array::uninitialized(kFloat64, {4});
  values.set(0, -1.75);
  values.set(1, 300.5);
  values.set(2, std::nan(""));
  values.set(3, 1e300);
  const Array bytes = values.cast(kUInt8);
  EXPECT_EQ(bytes.at(0), 255.0);
  EXPECT_EQ(bytes.at(1), 44.0);
  EXPECT_EQ(bytes.at(2), 0.0);
  EXPECT_EQ(values.cast(kInt32).at(0), -1.0);
  EXPECT_EQ(values.cast(kUInt64).as<std::uint64_t>()[3], std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(values.cast(kBool).at(0), 1.0);

  const Array wide = Array::uninitialized(kInt64, {1});
  wide.as<std::int64_t>()[0] = (std::int64_t{1} << 62) + 1;
  EXPECT_EQ(wide.cast(kUInt64).as<std::uint64_t>()[0], (std::uint64_t{1} << 62) + 1);
  EXPECT_TRUE(wide.cast(kInt64).same_storage(wide));
}

TEST(Half, Float16KnownBits) {  // from the IEEE 754 definition of binary16
  EXPECT_EQ(Float16(1.0).bits, 0x3c00);
  EXPECT_EQ(Float16(-2.0).bits, 0xc000);
  EXPECT_EQ(Float16(65504.0).bits, 0x7bff);
  EXPECT_EQ(Float16(65520.0).bits, 0x7c00);  // halfway to 2^16: to even, infinity
  EXPECT_EQ(Float16(65519.99).bits, 0x7bff);
  EXPECT_EQ(Float16(std::ldexp(1.0, -24)).bits, 0x0001);
  EXPECT_EQ(Float16(std::ldexp(1.0, -25)).bits, 0x0000);  // a tie at zero
  EXPECT_EQ(Float16(std::ldexp(1.5, -25)).bits, 0x0001);
  EXPECT_EQ(Float16(-0.0).bits, 0x8000);
  EXPECT_EQ(Float16(kInf).bits, 0x7c00);
  EXPECT_EQ(Float16(1.0 + std::ldexp(1.0, -11)).bits, 0x3c00);                         // tie to even
  EXPECT_EQ(Float16(1.0 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40)).bits, 0x3c01);  // not rounded twice
}

TEST(Half, BFloat16KnownBits) {
  EXPECT_EQ(BFloat16(1.0).bits, 0x3f80);
  EXPECT_EQ(BFloat16(-3.140625).bits, 0xc049);
  EXPECT_EQ(BFloat16(1e39).bits, 0x7f80);
  EXPECT_EQ(BFloat16(std::ldexp(1.0, -133)).bits, 0x0001);
}

template <class T>
void every_bit_pattern_survives() {
  for (int bits = 0; bits < 0x10000; ++bits) {
    T value;
    value.bits = static_cast<std::uint16_t>(bits);
    const float wide = value;
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(T(wide))));
    } else {
      ASSERT_EQ(T(wide).bits, value.bits) << bits;
    }
  }
}
TEST(Half, EveryFloat16SurvivesFloat) { every_bit_pattern_survives<Float16>(); }
TEST(Half, EveryBFloat16SurvivesFloat) { every_bit_pattern_survives<BFloat16>(); }

}  // namespace
}  // namespace mica::rt
