#include "frontend/graph/walk.h"

#include <algorithm>

namespace mica::internal {
namespace {

bool leads_to_gradients(const ValueNode& value) { return value.producer && value.producer->requires_grad; }

// Depth first; operands before users.
std::vector<CallRef> postorder(const ValueRef& output, std::uint64_t walk) {
  std::vector<CallRef> calls;
  std::vector<std::pair<CallRef, std::size_t>> stack;
  auto enter = [&](const ValueNode& value) {
    if (!leads_to_gradients(value) || value.producer->seen == walk) return;
    value.producer->seen = walk;
    stack.emplace_back(value.producer, 0);
  };
  enter(*output);
  while (!stack.empty()) {
    auto& [call, next] = stack.back();
    if (next < call->inputs.size()) {
      const ValueNode& input = *call->inputs[next++];
      enter(input);
    } else {
      calls.push_back(std::move(call));
      stack.pop_back();
    }
  }
  return calls;
}

}  // namespace

std::unique_lock<std::recursive_mutex> lock_walks() {
  static auto* mutex = new std::recursive_mutex();
  return std::unique_lock(*mutex);
}

std::uint64_t next_walk() {
  static std::uint64_t walk = 0;
  return ++walk;
}

constexpr int kForgotten = -1;

void forget(ValueNode& value) {
  if (value.producer && value.producer->requires_grad) value.result = kForgotten;
  value.producer.reset();
}

bool is_forgotten(const ValueNode& value) { return value.result == kForgotten; }

std::vector<CallRef> calls_below(const ValueRef& output) { return postorder(output, next_walk()); }

std::vector<CallRef> calls_between(const ValueRef& output, std::span<const ValueRef> sources) {
  const std::uint64_t walk = next_walk();
  for (const ValueRef& source : sources) source->on_path = walk;
  auto is_on_path = [&](const ValueRef& value) {
    return value->on_path == walk || (leads_to_gradients(*value) && value->producer->on_path == walk);
  };
  std::vector<CallRef> calls = postorder(output, walk);
  std::erase_if(calls, [&](const CallRef& call) {
    if (std::none_of(call->inputs.begin(), call->inputs.end(), is_on_path)) return true;
    call->on_path = walk;
    return false;
  });
  return calls;
}

}  // namespace mica::internal
