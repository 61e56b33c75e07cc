#include "compiler/passes/group_order.h"

#include <algorithm>
#include <numeric>

namespace mica::ir {

GroupOrder::GroupOrder(const Graph& graph, std::size_t max_walk) : max_walk_(max_walk) {
  const std::size_t count = graph.nodes().size();
  users_.first.assign(count + 1, 0);
  operands_.first.assign(count + 1, 0);
  for (const auto& node : graph.nodes()) {
    for (const Value& operand : node->operands()) {
      operands_.ends.push_back(static_cast<Id>(operand.node->position()));
      ++users_.first[operand.node->position() + 1];
    }
    operands_.first[node->position() + 1] = static_cast<Id>(operands_.ends.size());
  }
  std::partial_sum(users_.first.begin(), users_.first.end(), users_.first.begin());
  users_.ends.resize(operands_.ends.size());
  std::vector<Id> next(users_.first.begin(), users_.first.end() - 1);
  for (Id node = 0; node < count; ++node) {
    for (Id operand : operands_.of(node)) users_.ends[next[operand]++] = node;
  }
  unit_.resize(count);
  std::iota(unit_.begin(), unit_.end(), Id{0});
  next_ = order_ = unit_;
  mark_.assign(count, 0);
}

bool GroupOrder::join(std::size_t x, std::size_t y) {
  Id a = unit_[x], b = unit_[y];
  if (a == b) return true;
  if (order_[a] > order_[b]) std::swap(a, b);
  std::vector<Id> after, before;
  if (!collect(a, b, Direction::kForward, after) || !collect(b, a, Direction::kBackward, before)) return false;
  reorder(a, b, before, after);
  unite(a, b);
  return true;
}

// The units that a path leads to from `from`, those between it and `other` alone; false when one leads on to `other`.
bool GroupOrder::collect(Id from, Id other, Direction direction, std::vector<Id>& met) {
  const bool forward = direction == Direction::kForward;
  const Edges& edges = forward ? users_ : operands_;
  const Id walk = ++walk_;
  mark_[from] = walk;
  std::size_t walked = 0, next = 0;
  for (Id unit = from;; unit = met[next++]) {
    Id node = unit;
    do {
      for (Id end : edges.of(node)) {
        if (++walked > max_walk_) return false;
        const Id neighbour = unit_[end];
        if (neighbour == other && unit != from) return false;
        if (neighbour == other || mark_[neighbour] == walk) continue;
        if (forward ? order_[neighbour] > order_[other] : order_[neighbour] < order_[other]) continue;
        mark_[neighbour] = walk;
        met.push_back(neighbour);
      }
      node = next_[node];
    } while (node != unit);
    if (next == met.size()) return true;
  }
}

// What leads to b, then the two, then what a leads to, in the places that all of them have now.
void GroupOrder::reorder(Id a, Id b, std::vector<Id>& before, std::vector<Id>& after) {
  auto earlier = [&](Id x, Id y) { return order_[x] < order_[y]; };
  std::sort(before.begin(), before.end(), earlier);
  std::sort(after.begin(), after.end(), earlier);
  std::vector<Id> units = std::move(before);
  units.insert(units.end(), {a, b});
  units.insert(units.end(), after.begin(), after.end());
  std::vector<Id> places;
  for (Id unit : units) places.push_back(order_[unit]);
  std::sort(places.begin(), places.end());
  for (std::size_t i = 0; i < units.size(); ++i) order_[units[i]] = places[i];
}

void GroupOrder::unite(Id a, Id b) {
  Id node = b;
  do {
    unit_[node] = a;
    node = next_[node];
  } while (node != b);
  std::swap(next_[a], next_[b]);
}

}  // namespace mica::ir
