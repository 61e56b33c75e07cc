// Concrete dims of a run: symbols read from the inputs, every operand checked against what the program expects.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/program.h"
#include "runtime/tables.h"

namespace mica::rt {

// The values of the plain symbols, in order. Throws mica::Error when an input is missing or has the wrong rank.
void read_symbols(const Tables& tables, std::span<const Array> inputs, std::vector<std::int64_t>& plain);
// The value of every entry of MicaProgram::dims. Throws mica::Error when they cannot be computed in 63 bits.
std::vector<std::int64_t> evaluate_dims(const Tables& tables, std::span<const std::int64_t> plain);

// Throw mica::Error when number, dtype, rank or dims of the operands are not those of the program: "image: expected
// f32[N,28,28,1], received f32[8,28,27,1]. Axis 2 must be 28."
void check_inputs(const Tables& tables, std::span<const Array> inputs, std::span<const std::int64_t> dims);
void check_variables(const Tables& tables, std::span<const VariableValue> variables,
                     std::span<const std::int64_t> dims);

std::vector<std::int64_t> dims_of(const Tables& tables, std::uint32_t buffer, std::span<const std::int64_t> dims);

}  // namespace mica::rt
