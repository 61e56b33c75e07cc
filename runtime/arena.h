// The memory plan: where in one arena each buffer lies, so that buffers that live at the same time do not overlap.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/tables.h"

namespace mica::rt {

struct ArenaItem {
  std::int64_t bytes = 0;
  LiveRange live;  // both ends included
};

struct ArenaPlan {
  std::vector<std::int64_t> offsets;  // of the items, in their order
  std::int64_t bytes = 0;
};

// Largest first, each into the smallest gap between those already placed that live at the same time.
ArenaPlan plan_arena(std::span<const ArenaItem> items);

}  // namespace mica::rt
