// The CPU that schedules and machine code are made for: a level of the x86-64 psABI, chosen by feature bits and never
// by CPU name.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/dtype.h"

namespace mica::loop {

enum class CpuLevel : std::uint8_t {
  kV3,  // x86-64-v3: AVX2, FMA, F16C
  kV4,  // x86-64-v4: AVX-512 F, BW, DQ, VL
};

struct CpuTarget {
  CpuLevel level = CpuLevel::kV3;

  // The level's name in the psABI, "x86-64-v3", as GCC and LLVM spell it.
  std::string name() const;
  friend bool operator==(const CpuTarget&, const CpuTarget&) = default;
};

// The highest level this machine can run, or the lower one that the environment variable MICA_CPU names. Throws
// mica::Error for a machine below x86-64-v3 and for a MICA_CPU that is unknown or above the machine.
CpuTarget native_target();

// "native", "x86-64-v3" or "x86-64-v4", whether or not this machine can run it (ahead of time, listings). Other names
// throw mica::Error.
CpuTarget parse_target(std::string_view name);

// Lanes of one register when `dtype` is computed: 8 or 16 for f32. Types below four bytes are computed in four.
int vector_width(CpuLevel level, DType dtype);

}  // namespace mica::loop
