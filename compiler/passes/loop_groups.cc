#include "compiler/passes/loop_groups.h"

#include <algorithm>

#include "compiler/ops/op_def.h"
#include "compiler/passes/hoist.h"

namespace mica::ir {
namespace {

// Bounds of one kernel: beyond them registers spill and streams defeat the prefetchers.
constexpr std::size_t kMaxNodes = 96;
constexpr std::size_t kMaxBuffers = 24;
// Edges that the search for a cycle may follow before two groups are left apart.
constexpr std::size_t kMaxWalk = 10'000;

}  // namespace

bool is_over_steps(const Use& use) {
  const Attrs& attrs = use.user->attrs();
  return use.operand < attrs.integer("num_states") + attrs.integer("num_xs");
}

bool feeds_only_a_scan(const Node& node) {
  if (!node.is("transpose")) return false;
  const std::vector<Use>& uses = node.uses();
  return uses.size() == 1 && uses[0].user->is("scan") && is_over_steps(uses[0]);
}

HandedOut::HandedOut(const Graph& graph) {
  for (const Output& output : graph.outputs()) {
    // What nothing but a tap reads is there for the tap alone: no group without it could change.
    bool for_tap_alone = output.tap && output.value.node->uses(output.value.index).empty();
    (output.tap && !for_tap_alone ? taps : results).insert(output.value);
  }
}

LoopGroups::LoopGroups(Graph& graph)
    : graph_(graph), hoisted_(hoistable_nodes(graph)), handed_out_(graph), order_(graph, kMaxWalk) {
  of_.resize(graph.nodes().size());
  for (const auto& node : graph.nodes()) {
    if (!is_fusible(*node) || feeds_only_a_scan(*node)) continue;
    const int num_reductions = node->op().fusion == FusionClass::kReduction;
    groups_.push_back(std::make_unique<Group>(Group{{node.get()}, num_reductions, next_state_++}));
    of_[node->position()] = groups_.back().get();
  }
}

bool LoopGroups::is_used_outside(Value value, Members is_member) const {
  if (handed_out_.results.count(value)) return true;
  for (const Use& use : value.node->uses(value.index)) {
    if (!is_member(*use.user) && !is_dropped(*use.user)) return true;
  }
  return false;
}

bool LoopGroups::fit_one_kernel(const std::vector<Node*>& nodes, Members is_member, RowSpaces::IsResult is_result) {
  if (nodes.size() > kMaxNodes) return false;
  Values read;
  std::size_t results = 0;
  for (Node* node : nodes) {
    for (const Value& operand : node->operands()) {
      if (is_member(*operand.node) || is_free(*operand.node)) continue;
      if (std::find(read.begin(), read.end(), operand) == read.end()) read.push_back(operand);
      if (read.size() + results > kMaxBuffers) return false;
    }
    for (int i = 0; i < node->num_results(); ++i) results += is_result(node->result(i));
    if (read.size() + results > kMaxBuffers) return false;
  }
  return row_spaces_.share(nodes, is_member, is_result);
}

namespace {

std::vector<Node*> merged_nodes(const LoopGroups::Group& a, const LoopGroups::Group& b) {
  std::vector<Node*> merged;
  std::merge(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(), std::back_inserter(merged),
             [](const Node* x, const Node* y) { return x->position() < y->position(); });
  return merged;
}

}  // namespace

bool LoopGroups::can_merge(const Group& a, const Group& b) {
  auto is_member = [&](const Node& node) { return of(node) == &a || of(node) == &b; };
  auto is_result = [&](Value value) { return is_used_outside(value, is_member); };
  return fit_one_kernel(merged_nodes(a, b), is_member, is_result) &&
         order_.join(a.nodes.front()->position(), b.nodes.front()->position());
}

bool LoopGroups::try_merge(Group* a, Group* b) {
  if (!a || !b || a == b || a->nodes.size() + b->nodes.size() > kMaxNodes) return false;
  // What runs once and what runs each time are different kernels.
  if (is_hoisted(*a->nodes.front()) != is_hoisted(*b->nodes.front())) return false;
  const std::pair<std::uint32_t, std::uint32_t> states = std::minmax(a->state, b->state);
  if (refused_.contains(states)) return false;
  if (!can_merge(*a, *b)) {
    refused_.insert(states);
    return false;
  }
  a->nodes = merged_nodes(*a, *b);
  a->num_reductions += b->num_reductions;
  a->state = next_state_++;
  for (Node* node : b->nodes) of_[node->position()] = a;
  b->nodes.clear();
  return true;
}

void LoopGroups::prepend(Group& group, const std::vector<Node*>& copies) {
  of_.resize(graph_.nodes().size());
  for (Node* copy : copies) of_[copy->position()] = &group;
  group.nodes.insert(group.nodes.begin(), copies.begin(), copies.end());
}

bool LoopGroups::is_needed(Node& node) const {
  for (int i = 0; i < node.num_results(); ++i) {
    Value value = node.result(i);
    if (handed_out_.taps.count(value) || is_used_outside(value, [](const Node&) { return false; })) return true;
  }
  return false;
}

// Users stand behind what they use, so that one walk from the end finds all.
void LoopGroups::drop_unused(Group& group) {
  dropped_.resize(graph_.nodes().size());
  for (std::size_t i = group.nodes.size(); i-- > 0;) {
    Node* node = group.nodes[i];
    if (is_needed(*node)) continue;
    dropped_[node->position()] = true;
    of_[node->position()] = nullptr;
    group.nodes.erase(group.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::vector<std::vector<Node*>> LoopGroups::take() {
  graph_.sort_and_sweep();
  std::vector<std::vector<Node*>> taken;
  for (const auto& group : groups_) {
    if (!group->nodes.empty()) taken.push_back(std::move(group->nodes));
  }
  groups_.clear();
  return taken;
}

}  // namespace mica::ir
