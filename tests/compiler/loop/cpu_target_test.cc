#include "compiler/loop/cpu_target.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/error.h"

namespace mica::loop {
namespace {

class CpuTargetTest : public testing::Test {
 protected:
  void TearDown() override { unsetenv("MICA_CPU"); }
};

std::string error_of(const char* mask) {
  setenv("MICA_CPU", mask, 1);
  try {
    native_target();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(CpuTargetTest, WidthsOfARegister) {
  EXPECT_EQ(vector_width(CpuLevel::kV4, kFloat32), 16);
  EXPECT_EQ(vector_width(CpuLevel::kV3, kFloat32), 8);
  EXPECT_EQ(vector_width(CpuLevel::kV4, kFloat64), 8);
  EXPECT_EQ(vector_width(CpuLevel::kV3, kInt64), 4);
  EXPECT_EQ(vector_width(CpuLevel::kV4, kBFloat16), 16) << "computed in f32";
  EXPECT_EQ(vector_width(CpuLevel::kV3, kBool), 8);
}

TEST_F(CpuTargetTest, TheEnvironmentMasks) {
  unsetenv("MICA_CPU");
  const CpuTarget machine = native_target();
  setenv("MICA_CPU", "native", 1);
  EXPECT_EQ(native_target(), machine);
  setenv("MICA_CPU", "x86-64-v3", 1);
  EXPECT_EQ(native_target().level, CpuLevel::kV3);
  EXPECT_EQ(native_target().name(), "x86-64-v3");
  EXPECT_EQ(parse_target("native").level, CpuLevel::kV3);
  EXPECT_EQ(parse_target("x86-64-v4").level, CpuLevel::kV4) << "a named target is not masked";
}

TEST_F(CpuTargetTest, UnknownNamesAreErrors) {
  EXPECT_EQ(error_of("zen4"), "MICA_CPU: expected native, x86-64-v3 or x86-64-v4, received \"zen4\".");
  EXPECT_THROW(parse_target("x86-64"), Error);
}

}  // namespace
}  // namespace mica::loop
