// What a Program takes of memory, as text for a person.
#pragma once
#include <string>

#include "compiler/program/plan.h"

namespace mica::views {

// "1.4 MiB", "196.0 KiB", "40 bytes".
std::string bytes_text(std::int64_t bytes);

// A line for each kind of memory, then what fills the arena when it is fullest. `value`: the sizes of open dims.
std::string memory_text(const program::Plan& plan, const ir::SymbolValue& value);

}  // namespace mica::views
