// The folding that every maker does: constants, identities, and the arithmetic of dims. No ranges: those are
// simplify's.
#pragma once
#include "compiler/loop/expr.h"

namespace mica::loop {

// The simpler equal of op(operands), or null. May reorder the operands of a commutative operation (constants go right).
Expr fold(ScalarOp op, Exprs& operands);

}  // namespace mica::loop
