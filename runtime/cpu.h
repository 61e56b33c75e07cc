// What the CPU can do, by feature bits, and how much of it is used. MICA_CPU takes features away: code then runs as on
// a lesser machine.
#pragma once
#include <string>

namespace mica::rt {

struct CpuFeatures {
  bool avx2_fma = false;  // x86-64-v3
  bool avx512 = false;    // f, bw, cd, dq and vl: x86-64-v4
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  bool amx_bf16 = false, amx_int8 = false;
};

enum class CpuLevel { kBaseline, kAvx2, kAvx512, kAmx };

// The features of this machine that MICA_CPU leaves: x86-64-v3 (AVX2), x86-64-v4 (AVX-512) or native (all, the
// default). Anything else is a mica::Error, and so is a level that the machine lacks. Decided once, at the first call.
const CpuFeatures& cpu_features();
CpuLevel cpu_level();
std::string cpu_level_name();  // "x86-64-v4"

// The same for a value of MICA_CPU and the features of a machine, for tests.
CpuFeatures masked_features(const CpuFeatures& machine, const std::string& mica_cpu);

}  // namespace mica::rt
