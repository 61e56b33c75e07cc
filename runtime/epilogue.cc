#include "runtime/epilogue.h"

namespace mica::rt {
namespace {

// Comparisons with NaN are false: each function says where NaN goes.
bool is_nan(float x) { return x != x; }
float maximum(float x, float y) { return x > y || is_nan(x) ? x : y; }
float minimum(float x, float y) { return x < y || is_nan(x) ? x : y; }
float add(float x, float y) { return x + y; }
float subtract(float x, float y) { return x - y; }
float multiply(float x, float y) { return x * y; }
float divide(float x, float y) { return x / y; }
// From 10 on x times the normal distribution function of x rounds to x.
float gelu(float x, float library_gelu) { return x > 10 ? x : library_gelu; }

float relu(float x, float, float) { return maximum(x, 0); }
float clip(float x, float low, float high) { return minimum(maximum(x, low), high); }

template <float (*function)(float, float, float)>
void unary(float* values, std::int64_t count, const float*, std::int64_t, float alpha, float beta) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = function(values[i], alpha, beta);
}

template <float (*function)(float, float)>
void binary(float* values, std::int64_t count, const float* operand, std::int64_t operand_count, float, float) {
  if (operand_count == 1) {
    const float y = *operand;
    for (std::int64_t i = 0; i < count; ++i) values[i] = function(values[i], y);
    return;
  }
  for (float* row = values; row < values + count; row += operand_count) {
    for (std::int64_t i = 0; i < operand_count; ++i) row[i] = function(row[i], operand[i]);
  }
}

constexpr OwnEpilogue kOwn[] = {
    {"relu", unary<relu>, false},
    {"clip", unary<clip>, false},
    {"gelu", binary<gelu>, false, /*refines_library=*/true},
    {"maximum", binary<maximum>, false},
    {"minimum", binary<minimum>, false},
    {"add", binary<add>, true},
    {"subtract", binary<subtract>, true},
    {"multiply", binary<multiply>, true},
    {"divide", binary<divide>, true},
};

}  // namespace

const OwnEpilogue* own_epilogue(const MicaEpilogue& epilogue) {
  const std::string_view op = epilogue.op;
  if (op == "relu" && epilogue.alpha != 0) return nullptr;  // a leaky one, with which the library keeps NaN
  for (const OwnEpilogue& own : kOwn) {
    if (own.op == op) return &own;
  }
  return nullptr;
}

bool library_is_faithful(const MicaEpilogue& epilogue) {
  const OwnEpilogue* own = own_epilogue(epilogue);
  return own == nullptr || own->library_is_faithful;
}

}  // namespace mica::rt
