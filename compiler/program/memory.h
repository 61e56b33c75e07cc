// The memory of a plan: what a run takes for given dims, and what fills the arena.
#pragma once
#include <cstdint>
#include <vector>

#include "compiler/program/plan.h"

namespace mica::program {

struct MemoryUse {
  // Bytes of the caller's arrays, of Variables, of new results and new values of Variables that cannot take the old
  // ones' storage, of what the init steps keep, and of the arena as it is laid out.
  std::int64_t inputs = 0, variables = 0, results = 0, kept = 0, arena = 0;
  // The step at which the arena holds most, how much, and the buffers that live then, the largest first.
  std::size_t fullest_step = 0;
  std::int64_t fullest_bytes = 0;
  std::vector<int> live;
  // What of the arena outlives the forward pass: buffers written before the first step that belongs to a gradient and
  // read then or later, the largest first, and their bytes. None without gradients.
  std::vector<int> saved;
  std::int64_t saved_bytes = 0;
};

// `value` says what the symbols of the plan stand for.
MemoryUse memory_of(const Plan& plan, const ir::SymbolValue& value);

}  // namespace mica::program
