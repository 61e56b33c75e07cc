// What the CPU library computes.
#pragma once
#include "runtime/cpu.h"
#include "runtime/dtype.h"

namespace mica::ir {

// oneDNN has bfloat16 where vectors are 512 bits wide; elsewhere generated code computes it.
inline bool library_has(DType dtype) { return dtype == kFloat32 || (dtype == kBFloat16 && rt::cpu_features().avx512); }

}  // namespace mica::ir
