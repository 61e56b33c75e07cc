// Inputs, as layers and models take them.
#pragma once
#include <string>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

// The tensors of `inputs` in the order of `names`. Named ones are matched, others count; `where` names the taker.
Tensors in_order(const Inputs& inputs, const std::vector<std::string>& names, std::string_view where);
// "a, b, c"
std::string join(const std::vector<std::string>& names);
// Each in quotes.
std::string join_quoted(const std::vector<std::string>& names);

}  // namespace mica::internal
