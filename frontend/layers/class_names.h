// The names of all layer classes of the registry: what a test of every class runs over.
#pragma once
#include <string_view>
#include <vector>

namespace mica::internal {

std::vector<std::string_view> layer_class_names();  // sorted

}  // namespace mica::internal
