#include "compiler/program/memory.h"

#include <algorithm>

#include "runtime/arena.h"

namespace mica::program {
namespace {

bool lives_at(const PlanBuffer& buffer, std::size_t step) {
  return buffer.space == MICA_ARENA && buffer.first_step <= step && step <= buffer.last_step;
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
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
    if (lives_at(plan.buffers[i], use.fullest_step) && bytes[i] > 0) use.live.push_back(static_cast<int>(i));
  }
  std::stable_sort(use.live.begin(), use.live.end(), [&](int a, int b) {
    return bytes[static_cast<std::size_t>(a)] > bytes[static_cast<std::size_t>(b)];
  });
  return use;
}

}  // namespace mica::program
