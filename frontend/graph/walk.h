// Walks over lazy graphs, without recursion: they may be 100,000 calls deep. A walk marks what it meets with its own
// number; whoever walks holds the lock.
#pragma once
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

// One walk at a time: marks, and values that are being computed.
std::unique_lock<std::recursive_mutex> lock_walks();
std::uint64_t next_walk();

// A computed value that leads to gradients, whose way was forgotten: nothing can be differentiated through it any more.
// Its number among the results of its producer says so.
void forget(ValueNode& value);
bool is_forgotten(const ValueNode& value);

// The calls through which `output` depends on the sources, operands before users. Gradients flow through nothing else.
std::vector<CallRef> calls_between(const ValueRef& output, std::span<const ValueRef> sources);

// The calls below `output` that gradients flow through, operands before users.
std::vector<CallRef> calls_below(const ValueRef& output);

}  // namespace mica::internal
