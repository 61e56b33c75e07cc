// Regular expressions in options of optimizers: which variables a rule leaves out.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mica::internal {

// Whether one of the patterns is found somewhere in `text`. Error naming `where` for a pattern that is none.
bool any_found_in(const std::vector<std::string>& patterns, std::string_view text, std::string_view where);

}  // namespace mica::internal
