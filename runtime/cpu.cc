#include "runtime/cpu.h"

#include <cpuid.h>

#include <cstdint>
#include <cstdlib>

#include "runtime/error.h"

namespace mica::rt {
namespace {

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool bit(std::uint32_t word, int index) { return (word >> index & 1) != 0; }

// Which register files the operating system saves: without it an instruction faults although the CPU has it.
std::uint64_t enabled_states() {
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

CpuFeatures machine_features() {
  CpuFeatures features;
  const Registers basic = cpuid(1, 0);
  constexpr int kOsxsave = 27;
  if (!bit(basic.ecx, kOsxsave)) return features;
  const std::uint64_t states = enabled_states();
  constexpr std::uint64_t kAvxStates = 0x6, kAvx512States = 0xe6, kAmxStates = 0x60000;
  const Registers extended = cpuid(7, 0), more = cpuid(7, 1);

  const bool fma = bit(basic.ecx, 12), avx2 = bit(extended.ebx, 5);
  features.avx2_fma = fma && avx2 && (states & kAvxStates) == kAvxStates;
  const bool f = bit(extended.ebx, 16), dq = bit(extended.ebx, 17), cd = bit(extended.ebx, 28),
             bw = bit(extended.ebx, 30), vl = bit(extended.ebx, 31);
  features.avx512 = features.avx2_fma && f && dq && cd && bw && vl && (states & kAvx512States) == kAvx512States;
  features.avx512_vnni = features.avx512 && bit(extended.ecx, 11);
  features.avx512_bf16 = features.avx512 && bit(more.eax, 5);
  const bool amx = features.avx512 && bit(extended.edx, 24) && (states & kAmxStates) == kAmxStates;
  features.amx_bf16 = amx && bit(extended.edx, 22);
  features.amx_int8 = amx && bit(extended.edx, 25);
  return features;
}

CpuLevel level_of(const CpuFeatures& features) {
  if (features.amx_bf16 && features.amx_int8) return CpuLevel::kAmx;
  if (features.avx512) return CpuLevel::kAvx512;
  return features.avx2_fma ? CpuLevel::kAvx2 : CpuLevel::kBaseline;
}

}  // namespace

CpuFeatures masked_features(const CpuFeatures& machine, const std::string& mica_cpu) {
  const auto refuse = [&](const char* expected) {
    throw Error({.where = "MICA_CPU", .expected = expected, .received = "\"" + mica_cpu + "\"", .hint = {}});
  };
  if (mica_cpu.empty() || mica_cpu == "native") return machine;
  CpuFeatures features = machine;
  features.amx_bf16 = features.amx_int8 = false;
  if (mica_cpu == "x86-64-v4") {
    if (!machine.avx512) refuse("a level that this CPU has");
    features.avx512_bf16 = features.avx512_vnni = false;
    return features;
  }
  if (mica_cpu != "x86-64-v3") refuse("x86-64-v3, x86-64-v4 or native");
  if (!machine.avx2_fma) refuse("a level that this CPU has");
  return {.avx2_fma = true};
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    const char* value = std::getenv("MICA_CPU");
    return masked_features(machine_features(), value == nullptr ? "" : value);
  }();
  return features;
}

CpuLevel cpu_level() { return level_of(cpu_features()); }

std::string cpu_level_name() {
  switch (cpu_level()) {
    case CpuLevel::kBaseline:
      return "x86-64";
    case CpuLevel::kAvx2:
      return "x86-64-v3";
    case CpuLevel::kAvx512:
      return "x86-64-v4";
    case CpuLevel::kAmx:
      break;
  }
  return "x86-64-v4+amx";
}

}  // namespace mica::rt
