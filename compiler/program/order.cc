#include "compiler/program/order.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "compiler/graph/location.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"

namespace mica::program {
namespace {

using ir::Node;
using ir::Value;

bool is_step(const Node& node) { return !ir::is_graph_operand(node) && !ir::is_view(node); }

// Dependences between steps by number, views skipped.
class StepGraph {
 public:
  explicit StepGraph(const ir::Graph& graph) {
    for (const auto& node : graph.nodes()) {
      if (!is_step(*node)) continue;
      number_[node.get()] = steps_.size();
      steps_.push_back(node.get());
    }
    after_.resize(steps_.size());
    for (const Node* step : steps_) {
      for (const Value& operand : step->operands()) {
        if (const Node* base = base_of(operand).node; base->is("variable")) readers_[base].push_back(number_.at(step));
        add_edges(operand, number_.at(step));
      }
    }
  }

  void add_edge(std::size_t before, std::size_t after) { after_[before].push_back(after); }

  // From whatever must have run before the value can be read: what it looks at, and what a barrier waits for.
  void add_edges(const Value& value, std::size_t reader) {
    if (auto it = number_.find(value.node); it != number_.end()) return add_edge(it->second, reader);
    if (!ir::is_view(*value.node)) return;
    for (const Value& operand : value.node->operands()) add_edges(operand, reader);
  }

  bool reaches(std::size_t from, std::size_t to) const {
    std::vector<bool> seen(steps_.size());
    std::vector<std::size_t> work = {from};
    while (!work.empty()) {
      std::size_t step = work.back();
      work.pop_back();
      if (step == to) return true;
      if (seen[step]) continue;
      seen[step] = true;
      work.insert(work.end(), after_[step].begin(), after_[step].end());
    }
    return false;
  }

  // Puts every other reader of the old value before the writer; false, and nothing added, when one needs the new value.
  bool put_readers_first(const Node* variable, std::size_t writer) {
    for (std::size_t reader : readers_[variable]) {
      if (reader != writer && reaches(writer, reader)) return false;
    }
    for (std::size_t reader : readers_[variable]) {
      if (reader != writer) add_edge(reader, writer);
    }
    return true;
  }

  // The order nearest to the graph's, but steps that lead to nothing but `ends`, and soon, run as soon as they can:
  // the gradient of a weight lets go of activations that the steps behind it would keep alive.
  std::vector<const Node*> sorted(const std::unordered_set<const Node*>& ends) const {
    std::vector<bool> is_early(steps_.size());
    const std::vector<std::size_t> order = sorted(is_early);
    constexpr int kSoon = 4;  // a product, two steps of a norm, an update
    std::vector<int> distance(steps_.size());
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      bool only_ends = !after_[*it].empty() || ends.count(steps_[*it]) > 0;
      for (std::size_t next : after_[*it]) {
        only_ends = only_ends && is_early[next];
        distance[*it] = std::max(distance[*it], distance[next] + 1);
      }
      is_early[*it] = only_ends && distance[*it] < kSoon;
    }
    std::vector<const Node*> steps;
    for (std::size_t step : sorted(is_early)) steps.push_back(steps_[step]);
    return steps;
  }

  const std::size_t* find(const Node* node) const {
    auto it = number_.find(node);
    return it == number_.end() ? nullptr : &it->second;
  }

 private:
  // Early ones first, then in the order of the graph.
  std::vector<std::size_t> sorted(const std::vector<bool>& is_early) const {
    std::vector<int> waits(steps_.size());
    for (const std::vector<std::size_t>& next : after_) {
      for (std::size_t step : next) ++waits[step];
    }
    using Place = std::pair<bool, std::size_t>;
    std::priority_queue<Place, std::vector<Place>, std::greater<>> ready;
    auto push = [&](std::size_t step) { ready.push({!is_early[step], step}); };
    for (std::size_t step = 0; step < steps_.size(); ++step) {
      if (waits[step] == 0) push(step);
    }
    std::vector<std::size_t> order;
    while (!ready.empty()) {
      order.push_back(ready.top().second);
      ready.pop();
      for (std::size_t next : after_[order.back()]) {
        if (--waits[next] == 0) push(next);
      }
    }
    return order;
  }

  std::vector<const Node*> steps_;
  std::unordered_map<const Node*, std::size_t> number_;
  std::vector<std::vector<std::size_t>> after_;
  std::unordered_map<const Node*, std::vector<std::size_t>> readers_;
};

bool is_handed_out(const ir::Graph& graph, const Node* variable) {
  return std::any_of(graph.outputs().begin(), graph.outputs().end(),
                     [&](const ir::Output& output) { return base_of(output.value).node == variable; });
}

}  // namespace

Value base_of(Value value) {
  while (ir::is_view(*value.node)) value = value.node->operand(0);
  return value;
}

StepOrder order_steps(const ir::Graph& graph) {
  StepGraph steps(graph);
  StepOrder order;
  std::unordered_set<const Node*> ends;  // updates, and gradients that are handed out
  for (const ir::Output& output : graph.outputs()) {
    const Node* maker = base_of(output.value).node;
    if (output.target || ir::role_of(maker->loc()) == ir::Role::kBackward) ends.insert(maker);
    if (!output.target || is_handed_out(graph, output.target)) continue;
    const std::size_t* writer = steps.find(maker);
    if (writer && steps.put_readers_first(output.target, *writer)) order.overwritable.insert(output.target);
  }
  order.steps = steps.sorted(ends);
  return order;
}

}  // namespace mica::program
