#include "runtime/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "runtime/error.h"

namespace mica::rt {
namespace {

constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

// The first touch of a small page costs about as much as writing it a few times. What fills huge pages asks for them;
// the rest of the last one stays in small pages, so that nothing is wasted.
void ask_for_huge_pages(void* data, std::int64_t bytes) {
  madvise(data, static_cast<std::size_t>(bytes / kHugePage * kHugePage), MADV_HUGEPAGE);
}

}  // namespace

void* allocate_aligned(std::int64_t bytes, const char* what) {
  constexpr std::int64_t kMaxBytes = std::numeric_limits<std::int64_t>::max() - kAlignment;
  const std::int64_t rounded = bytes == 0 ? kAlignment : round_up(bytes < kMaxBytes ? bytes : kMaxBytes);
  const bool is_large = rounded >= kHugePage;
  const auto alignment = static_cast<std::size_t>(is_large ? kHugePage : kAlignment);
  void* data = nullptr;
  if (posix_memalign(&data, alignment, static_cast<std::size_t>(rounded)) != 0) {
    throw Error({.where = what,
                 .expected = "a size that fits in memory",
                 .received = std::to_string(bytes) + " bytes",
                 .hint = {}});
  }
  if (is_large) ask_for_huge_pages(data, rounded);
  return data;
}

}  // namespace mica::rt
