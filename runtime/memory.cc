#include "runtime/memory.h"

#include <cstdlib>
#include <limits>
#include <string>

#include "runtime/error.h"

namespace mica::rt {

void* allocate_aligned(std::int64_t bytes, const char* what) {
  constexpr std::int64_t kMaxBytes = std::numeric_limits<std::int64_t>::max() - kAlignment;
  const std::int64_t rounded = bytes == 0 ? kAlignment : round_up(bytes < kMaxBytes ? bytes : kMaxBytes);
  void* const data = std::aligned_alloc(static_cast<std::size_t>(kAlignment), static_cast<std::size_t>(rounded));
  if (data == nullptr) {
    throw Error({.where = what,
                 .expected = "a size that fits in memory",
                 .received = std::to_string(bytes) + " bytes",
                 .hint = {}});
  }
  return data;
}

}  // namespace mica::rt
