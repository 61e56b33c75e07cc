#include "runtime/arena.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "runtime/memory.h"

namespace mica::rt {
namespace {

struct Placed {
  std::int64_t begin, end;
  LiveRange live;
};

bool overlap(const LiveRange& a, const LiveRange& b) { return a.first <= b.last && b.first <= a.last; }

// The start of the smallest gap of at least `bytes`; `placed` is sorted by begin.
std::int64_t best_gap(const std::vector<Placed>& placed, const LiveRange& live, std::int64_t bytes) {
  std::int64_t best_begin = -1, best_size = std::numeric_limits<std::int64_t>::max(), free_from = 0;
  for (const Placed& other : placed) {
    if (!overlap(other.live, live)) continue;
    const std::int64_t gap = other.begin - free_from;
    if (gap >= bytes && gap < best_size) {
      best_begin = free_from;
      best_size = gap;
    }
    free_from = std::max(free_from, other.end);
  }
  return best_begin >= 0 ? best_begin : free_from;
}

}  // namespace

ArenaPlan plan_arena(std::span<const ArenaItem> items) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return items[a].bytes > items[b].bytes; });

  ArenaPlan plan;
  plan.offsets.assign(items.size(), 0);
  std::vector<Placed> placed;
  for (const std::size_t i : order) {
    const std::int64_t bytes = round_up(items[i].bytes);
    if (bytes == 0 || items[i].live.empty()) continue;
    const std::int64_t begin = best_gap(placed, items[i].live, bytes);
    const Placed entry{begin, begin + bytes, items[i].live};
    const auto after = [](const Placed& a, const Placed& b) { return a.begin < b.begin; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), entry, after), entry);
    plan.offsets[i] = begin;
    plan.bytes = std::max(plan.bytes, entry.end);
  }
  return plan;
}

}  // namespace mica::rt
