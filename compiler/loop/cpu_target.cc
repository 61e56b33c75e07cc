#include "compiler/loop/cpu_target.h"

#include <cstdlib>
#include <optional>

#include "runtime/error.h"

namespace mica::loop {
namespace {

bool machine_has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool machine_has_v4() {
  return machine_has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}

CpuTarget machine_target() {
  if (!machine_has_v3()) {
    throw Error({.where = "cpu",
                 .expected = "a machine of level x86-64-v3 or higher",
                 .received = "one without AVX2 or FMA",
                 .hint = ""});
  }
  return {machine_has_v4() ? CpuLevel::kV4 : CpuLevel::kV3};
}

std::optional<CpuLevel> level_named(std::string_view name) {
  if (name == "x86-64-v3") return CpuLevel::kV3;
  if (name == "x86-64-v4") return CpuLevel::kV4;
  return std::nullopt;
}

[[noreturn]] void unknown_cpu(const std::string& where, std::string_view name) {
  throw Error({.where = where,
               .expected = "native, x86-64-v3 or x86-64-v4",
               .received = "\"" + std::string(name) + "\"",
               .hint = ""});
}

}  // namespace

std::string CpuTarget::name() const { return level == CpuLevel::kV4 ? "x86-64-v4" : "x86-64-v3"; }

CpuTarget native_target() {
  CpuTarget machine = machine_target();
  const char* mask = std::getenv("MICA_CPU");
  if (mask == nullptr || *mask == '\0' || std::string_view(mask) == "native") return machine;
  std::optional<CpuLevel> level = level_named(mask);
  if (!level) unknown_cpu("MICA_CPU", mask);
  if (*level > machine.level) {
    throw Error({.where = "MICA_CPU",
                 .expected = "a level of this machine, at most " + machine.name(),
                 .received = mask,
                 .hint = "MICA_CPU only masks features."});
  }
  return {*level};
}

CpuTarget parse_target(std::string_view name) {
  if (name == "native") return native_target();
  std::optional<CpuLevel> level = level_named(name);
  if (!level) unknown_cpu("cpu", name);
  return {*level};
}

int vector_width(CpuLevel level, DType dtype) {
  int register_bytes = level == CpuLevel::kV4 ? 64 : 32;
  return register_bytes / (dtype.bytes() < 4 ? 4 : dtype.bytes());
}

}  // namespace mica::loop
