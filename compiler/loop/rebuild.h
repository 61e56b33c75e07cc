// One step of a walk that rebuilds expressions; rewrite() is the whole walk.
#pragma once
#include <functional>

#include "compiler/loop/expr.h"

namespace mica::loop {

// The operation, load or cast over mapped operands, rebuilt by its maker; `e` itself when no operand changes.
Expr map_operands(const Expr& e, const std::function<Expr(const Expr&)>& f);

}  // namespace mica::loop
