#include "compiler/program/memory.h"

#include <algorithm>

#include "compiler/graph/location.h"
#include "runtime/arena.h"

namespace mica::program {
namespace {

bool lives_at(const PlanBuffer& buffer, std::size_t step) {
  return buffer.space == MICA_ARENA && buffer.first_step <= step && step <= buffer.last_step;
}

// The number of steps when no gradient is among them.
std::size_t first_backward_step(const Plan& plan) {
  auto it = std::find_if(plan.run.begin(), plan.run.end(),
                         [](const PlanStep& step) { return ir::role_of(step.layer) == ir::Role::kBackward; });
  return static_cast<std::size_t>(it - plan.run.begin());
}

void sort_by_size(std::vector<int>& buffers, const std::vector<std::int64_t>& bytes) {
  std::stable_sort(buffers.begin(), buffers.end(), [&](int a, int b) {
    return bytes[static_cast<std::size_t>(a)] > bytes[static_cast<std::size_t>(b)];
  });
}

}  // namespace

MemoryUse memory_of(const Plan& plan, const ir::SymbolValue& value) {
  MemoryUse use;
  std::vector<std::int64_t> bytes;
  std::vector<rt::ArenaItem> items;
  for (const PlanBuffer& buffer : plan.buffers) {
    bytes.push_back(buffer.type.numel().evaluate(value) * buffer.type.dtype.bytes());
    switch (buffer.space) {
      case MICA_INPUT:
        use.inputs += bytes.back();
        break;
      case MICA_VARIABLE:
        use.variables += bytes.back();
        break;
      case MICA_RESULT:
        use.results += bytes.back();
        break;
      case MICA_UPDATE:
        use.results += buffer.in_place ? 0 : bytes.back();
        break;
      case MICA_INIT:
        use.kept += bytes.back();
        break;
      case MICA_ARENA:
        items.push_back({bytes.back(), {buffer.first_step, buffer.last_step}});
        break;
      case MICA_CONSTANT:
      case MICA_VIEW:
        break;
    }
  }
  use.arena = rt::plan_arena(items).bytes;
  for (std::size_t step = 0; step < plan.run.size(); ++step) {
    std::int64_t live = 0;
    for (std::size_t i = 0; i < plan.buffers.size(); ++i) live += lives_at(plan.buffers[i], step) ? bytes[i] : 0;
    if (live <= use.fullest_bytes) continue;
    use.fullest_bytes = live;
    use.fullest_step = step;
  }
  const std::size_t backward = first_backward_step(plan);
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
    if (bytes[i] == 0) continue;
    if (lives_at(plan.buffers[i], use.fullest_step)) use.live.push_back(static_cast<int>(i));
    if (plan.buffers[i].first_step < backward && lives_at(plan.buffers[i], backward)) {
      use.saved.push_back(static_cast<int>(i));
      use.saved_bytes += bytes[i];
    }
  }
  sort_by_size(use.live, bytes);
  sort_by_size(use.saved, bytes);
  return use;
}

}  // namespace mica::program
