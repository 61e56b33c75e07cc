// What a Program takes of memory, as text for a person.
#pragma once
#include <string>

#include "compiler/program/plan.h"

namespace mica::views {

// "1.4 MiB", "196.0 KiB", "40 bytes".
std::string bytes_text(std::int64_t bytes);

// A line for each kind of memory, then what fills the arena when it is fullest, and what is kept for gradients.
// `value`: the sizes of open dims. So many bytes of the Variables are no weights but slots of an optimizer.
std::string memory_text(const program::Plan& plan, const ir::SymbolValue& value, std::int64_t slots = 0);
// What a fused graph computes once more instead of keeping it; empty when there is nothing.
std::string recomputed_text(const ir::Graph& fused);

}  // namespace mica::views
