// The rules of the pass canonicalize, for the test that proves each of them.
#pragma once
#include <span>

#include "compiler/passes/pattern.h"

namespace mica::ir {

std::span<const Rule> canonical_rules();

}  // namespace mica::ir
