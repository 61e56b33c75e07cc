#include "runtime/cpu.h"

#include <gtest/gtest.h>

#include "runtime/error.h"

namespace mica::rt {
namespace {

constexpr CpuFeatures kEverything{true, true, true, true, true, true};
constexpr CpuFeatures kAvx2Only{.avx2_fma = true};

TEST(Cpu, NativeKeepsEverything) {
  EXPECT_TRUE(masked_features(kEverything, "").amx_bf16);
  EXPECT_TRUE(masked_features(kEverything, "native").avx512_bf16);
}

TEST(Cpu, ALevelTakesAwayWhatLiesAboveIt) {
  const CpuFeatures v4 = masked_features(kEverything, "x86-64-v4");
  EXPECT_TRUE(v4.avx512);
  EXPECT_FALSE(v4.avx512_bf16 || v4.avx512_vnni || v4.amx_bf16 || v4.amx_int8);
  const CpuFeatures v3 = masked_features(kEverything, "x86-64-v3");
  EXPECT_TRUE(v3.avx2_fma);
  EXPECT_FALSE(v3.avx512);
}

TEST(Cpu, WhatTheMachineLacksIsAnError) {
  EXPECT_THROW(masked_features(kAvx2Only, "x86-64-v4"), Error);
  try {
    masked_features(kAvx2Only, "zen5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "MICA_CPU: expected x86-64-v3, x86-64-v4 or native, received \"zen5\".");
  }
}

TEST(Cpu, HigherFeaturesComeWithLowerOnes) {
  const CpuFeatures& cpu = cpu_features();
  EXPECT_TRUE(!cpu.avx512 || cpu.avx2_fma);
  EXPECT_TRUE(!cpu.amx_bf16 || cpu.avx512);
  EXPECT_TRUE(!cpu.avx512_vnni || cpu.avx512);
  EXPECT_TRUE(cpu_level_name().starts_with("x86-64"));
}

}  // namespace
}  // namespace mica::rt
