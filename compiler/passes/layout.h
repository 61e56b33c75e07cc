// The rules of the pass layout, for the test that proves each of them.
#pragma once
#include <span>

#include "compiler/passes/pattern.h"

namespace mica::ir {

std::span<const Rule> layout_rules();

}  // namespace mica::ir
