#include "runtime/shapes.h"

#include "runtime/error.h"

namespace mica::rt {
namespace {

std::string dim_text(const Tables& tables, std::uint32_t index) {
  const MicaProgram& p = tables.abi();
  const MicaDim& dim = p.dims[index];
  std::string text;
  for (std::uint32_t t = 0; t < dim.num_terms; ++t) {
    const MicaDimTerm& term = p.terms[dim.first_term + t];
    std::string factors;
    for (std::uint32_t f = 0; f < term.num_factors; ++f) {
      factors += (f == 0 ? "" : "*") + std::string(p.symbols[p.factors[term.first_factor + f]].name);
    }
    const std::int64_t magnitude = term.coefficient < 0 ? -term.coefficient : term.coefficient;
    if (term.coefficient < 0) {
      text += "-";
    } else if (t > 0) {
      text += "+";
    }
    if (factors.empty()) {
      text += std::to_string(magnitude);
    } else {
      text += (magnitude == 1 ? "" : std::to_string(magnitude) + "*") + factors;
    }
  }
  return text.empty() ? "0" : text;
}

std::string expected_type(const Tables& tables, const MicaBuffer& buffer) {
  std::string text = DType(static_cast<DType::Kind>(buffer.dtype)).short_name() + "[";
  for (std::uint32_t i = 0; i < buffer.rank; ++i) text += (i == 0 ? "" : ",") + dim_text(tables, buffer.first_dim + i);
  return text + "]";
}

std::string received_type(const Array& array) {
  if (!array.defined()) return "no array";
  std::string text = array.dtype().short_name() + "[";
  for (std::size_t i = 0; i < array.dims().size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(array.dims()[i]);
  return text + "]";
}

[[noreturn]] void refuse(const Tables& tables, const MicaBuffer& buffer, const Array& array, std::string hint) {
  throw Error({.where = buffer.name,
               .expected = expected_type(tables, buffer),
               .received = received_type(array),
               .hint = std::move(hint)});
}

void check_count(const Tables& tables, const char* what, std::size_t expected, std::size_t received) {
  if (expected == received) return;
  throw Error({.where = tables.abi().name,
               .expected = std::to_string(expected) + " " + what + (expected == 1 ? "" : "s"),
               .received = std::to_string(received),
               .hint = {}});
}

void check_rank_and_dtype(const Tables& tables, const MicaBuffer& buffer, const Array& array) {
  if (!array.defined()) refuse(tables, buffer, array, "");
  if (array.dtype().kind() != buffer.dtype) refuse(tables, buffer, array, "The dtypes differ.");
  if (array.dims().size() != buffer.rank) refuse(tables, buffer, array, "The ranks differ.");
}

// "Axis 0 must be N = 8, as in image."
std::string axis_hint(const Tables& tables, const MicaBuffer& buffer, std::uint32_t axis, std::int64_t value) {
  const MicaProgram& p = tables.abi();
  const std::string text = dim_text(tables, buffer.first_dim + axis), number = std::to_string(value);
  std::string hint = "Axis " + std::to_string(axis) + " must be " + (text == number ? number : text + " = " + number);
  const MicaDim& dim = p.dims[buffer.first_dim + axis];
  if (dim.num_terms == 1 && p.terms[dim.first_term].num_factors == 1) {
    const MicaSymbol& symbol = p.symbols[p.factors[p.terms[dim.first_term].first_factor]];
    if (symbol.divisor == 0) hint += ", as in " + std::string(tables.buffer(symbol.buffer).name);
  }
  return hint + ".";
}

void check_dims(const Tables& tables, const MicaBuffer& buffer, const Array& array,
                std::span<const std::int64_t> dims) {
  for (std::uint32_t axis = 0; axis < buffer.rank; ++axis) {
    const std::int64_t expected = dims[buffer.first_dim + axis];
    if (array.dims()[axis] != expected) refuse(tables, buffer, array, axis_hint(tables, buffer, axis, expected));
  }
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

std::int64_t evaluate(const Tables& tables, std::uint32_t index, std::span<const std::int64_t> symbols) {
  const MicaProgram& p = tables.abi();
  const MicaDim& dim = p.dims[index];
  std::int64_t sum = 0;
  bool overflow = false;
  for (std::uint32_t t = 0; t < dim.num_terms; ++t) {
    const MicaDimTerm& term = p.terms[dim.first_term + t];
    std::int64_t product = term.coefficient;
    for (std::uint32_t f = 0; f < term.num_factors; ++f) {
      overflow |= __builtin_mul_overflow(product, symbols[p.factors[term.first_factor + f]], &product);
    }
    overflow |= __builtin_add_overflow(sum, product, &sum);
  }
  if (overflow) {
    throw Error({.where = p.name,
                 .expected = "dims below 2^63",
                 .received = dim_text(tables, index) + " beyond it",
                 .hint = {}});
  }
  return sum;
}

}  // namespace

void read_symbols(const Tables& tables, std::span<const Array> inputs, std::vector<std::int64_t>& plain) {
  check_count(tables, "input", tables.inputs().size(), inputs.size());
  plain.clear();
  for (std::uint32_t s = 0; s < tables.abi().num_symbols; ++s) {
    const MicaSymbol& symbol = tables.abi().symbols[s];
    if (symbol.divisor != 0) continue;
    const Array& array = inputs[tables.position(symbol.buffer)];
    check_rank_and_dtype(tables, tables.buffer(symbol.buffer), array);
    plain.push_back(array.dims()[symbol.axis]);
  }
}

std::vector<std::int64_t> evaluate_dims(const Tables& tables, std::span<const std::int64_t> plain) {
  std::vector<std::int64_t> symbols;
  for (std::uint32_t s = 0, next_plain = 0; s < tables.abi().num_symbols; ++s) {
    const MicaSymbol& symbol = tables.abi().symbols[s];
    symbols.push_back(symbol.divisor == 0 ? plain[next_plain++]
                                          : floor_div(evaluate(tables, symbol.numerator, symbols), symbol.divisor));
  }
  std::vector<std::int64_t> dims(tables.abi().num_dims);
  for (std::uint32_t i = 0; i < dims.size(); ++i) dims[i] = evaluate(tables, i, symbols);
  return dims;
}

void check_inputs(const Tables& tables, std::span<const Array> inputs, std::span<const std::int64_t> dims) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const MicaBuffer& buffer = tables.buffer(tables.inputs()[i]);
    check_rank_and_dtype(tables, buffer, inputs[i]);
    check_dims(tables, buffer, inputs[i], dims);
  }
}

void check_variables(const Tables& tables, std::span<const VariableValue> variables,
                     std::span<const std::int64_t> dims) {
  check_count(tables, "variable", tables.variables().size(), variables.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const MicaBuffer& buffer = tables.buffer(tables.variables()[i]);
    check_rank_and_dtype(tables, buffer, variables[i].array);
    check_dims(tables, buffer, variables[i].array, dims);
  }
}

std::vector<std::int64_t> dims_of(const Tables& tables, std::uint32_t buffer, std::span<const std::int64_t> dims) {
  const MicaBuffer& b = tables.buffer(buffer);
  const auto first = dims.begin() + b.first_dim;
  return {first, first + b.rank};
}

}  // namespace mica::rt
