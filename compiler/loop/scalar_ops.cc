// The table of scalar operations, expanded from scalar_ops.def.
#include <array>
#include <cmath>
#include <string_view>

#include "compiler/loop/expr.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

// NaN wins, as in NumPy's and PyTorch's maximum and minimum; equal operands give the second, as the x86 instructions
// do.
double nan_max(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double nan_min(double a, double b) { return std::isnan(a) || a < b ? a : b; }

// The remainder with the sign of the divisor, as Python's %.
double floor_mod(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

[[noreturn]] double integer_only() { throw InternalError("an integer operation was evaluated in double"); }

constexpr ScalarOpInfo kInfos[] = {
#define MICA_SCALAR_OP(name, arity, rule, ...) \
  {#name, arity, ScalarClass::rule, []([[maybe_unused]] const double* x) -> double { return __VA_ARGS__; }},
#include "compiler/loop/scalar_ops.def"
#undef MICA_SCALAR_OP
};

}  // namespace

const ScalarOpInfo& info(ScalarOp op) { return kInfos[static_cast<std::size_t>(op)]; }

bool is_transcendental(ScalarOp op) { return op >= ScalarOp::k_exp && op <= ScalarOp::k_atan2; }

std::optional<ScalarOp> find_scalar_op(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kInfos); ++i) {
    if (name == kInfos[i].name) return static_cast<ScalarOp>(i);
  }
  return std::nullopt;
}

}  // namespace mica::loop
