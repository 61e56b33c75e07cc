// Computed values as PyTorch prints them: tensor([[0.1000, 2.0000], [3.0000, 4.0000]]).
#pragma once
#include <string>
#include <vector>

#include "runtime/array.h"

namespace mica::internal {

// With PyTorch's defaults: four digits, 80 columns, three elements at both ends of long axes where there are more than
// 1,000 elements, the same form and width for all numbers. `suffixes` come after the element type: requires_grad=True.
std::string text_of(const rt::Array& array, std::vector<std::string> suffixes = {});

}  // namespace mica::internal
