#include "runtime/dtype.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/error.h"

namespace mica {
namespace {

TEST(DType, BothSpellingsNameTheSameType) {
  EXPECT_EQ(DType("float32"), kFloat32);
  EXPECT_EQ(DType("f32"), kFloat32);
  EXPECT_EQ(DType("bfloat16"), kBFloat16);
  EXPECT_EQ(DType("u8"), kUInt8);
}

TEST(DType, EveryTypeReadsBackFromItsNames) {
  std::set<std::string> names;
  for (int i = 0; i < DType::kCount; ++i) {
    const DType type(static_cast<DType::Kind>(i));
    EXPECT_EQ(DType(type.name().c_str()), type);
    EXPECT_EQ(DType(type.short_name().c_str()), type);
    names.insert(type.name());
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(DType::kCount));
}

TEST(DType, SizesInBytes) {
  EXPECT_EQ(kBool.bytes(), 1);
  EXPECT_EQ(kInt16.bytes(), 2);
  EXPECT_EQ(kFloat16.bytes(), 2);
  EXPECT_EQ(kFloat32.bytes(), 4);
  EXPECT_EQ(kFloat64.bytes(), 8);
}

TEST(DType, Classes) {
  EXPECT_TRUE(kBool.is_bool() && !kBool.is_integral() && !kBool.is_floating());
  EXPECT_TRUE(kInt8.is_integral() && !kInt8.is_unsigned());
  EXPECT_TRUE(kUInt64.is_integral() && kUInt64.is_unsigned());
  EXPECT_TRUE(kFloat16.is_floating() && kFloat64.is_floating() && !kInt64.is_floating());
}

TEST(DTypeErrors, UnknownName) {
  try {
    DType("float31");
    FAIL() << "no Error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "DType: expected one of bool, int8 … int64, uint8 … uint64, float16, bfloat16, float32, float64, "
                 "received \"float31\".");
  }
}

}  // namespace
}  // namespace mica
