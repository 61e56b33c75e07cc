// Aligned memory for arrays, arenas and scratch.
#pragma once
#include <cstdint>

namespace mica::rt {

inline constexpr std::int64_t kAlignment = 64;  // a cache line, and the widest vector

constexpr std::int64_t round_up(std::int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Uninitialized, never null, to be released with std::free. A mica::Error that names `what` when the system has no such
// memory.
void* allocate_aligned(std::int64_t bytes, const char* what);

}  // namespace mica::rt
