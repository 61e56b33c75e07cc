// Elementwise operations on the result of a library call in own code: where oneDNN computes something else for NaN and
// infinity than the operation is defined to give, and what may follow such a one.
//
// oneDNN's relu, clip, maximum and minimum turn NaN into a number, and its gelu turns infinity into NaN.
#pragma once
#include <cstdint>
#include <string_view>

#include "runtime/abi.h"

namespace mica::rt {

// values[i] = op(values[i], operand[i % operand_count]); unary operations read no operand.
using EpilogueFn = void (*)(float* values, std::int64_t count, const float* operand, std::int64_t operand_count,
                            float alpha, float beta);

struct OwnEpilogue {
  std::string_view op;
  EpilogueFn function;
  bool library_is_faithful;
  bool refines_library = false;  // unary, and its operand is what the library's operation makes of the values
};

// Null where there is no own code.
const OwnEpilogue* own_epilogue(const MicaEpilogue& epilogue);

bool library_is_faithful(const MicaEpilogue& epilogue);

}  // namespace mica::rt
