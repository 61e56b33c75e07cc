// What standard output is.
#pragma once
#include <optional>

namespace mica::views {

bool stdout_is_terminal();
// Columns of the terminal, by COLUMNS or by asking it; nothing when output goes elsewhere and COLUMNS is not set.
std::optional<int> terminal_width();

}  // namespace mica::views
