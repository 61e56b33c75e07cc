#include "frontend/files/bytes.h"

#include <algorithm>

namespace mica::files {

void swap_elements(std::span<std::byte> bytes, int width) {
  const auto step = static_cast<std::size_t>(width);
  for (std::size_t at = 0; at + step <= bytes.size(); at += step) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + step));
  }
}

}  // namespace mica::files
