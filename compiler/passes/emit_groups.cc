#include "compiler/passes/emit_groups.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/dump.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/loop_groups.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {
namespace {

using Nodes = std::vector<Node*>;
using Members = std::unordered_set<const Node*>;

class Emitter {
 public:
  explicit Emitter(Graph& graph) : graph_(graph), handed_out_(graph), trace_(trace_wanted("fuse")) {}

  void run(std::vector<Nodes> groups) {
    // All of them first: making a group appends nodes and replaces uses.
    std::vector<Nodes> ready;
    for (Nodes& group : groups) {
      Nodes nodes = without_outer_views(std::move(group));
      grouped_.insert(nodes.begin(), nodes.end());
      if (!nodes.empty()) ready.push_back(std::move(nodes));
    }
    for (Nodes& nodes : ready) duplicate_unstorable_taps(nodes);
    for (Nodes& nodes : ready) emit(nodes, group_name(nodes));
    group_scans();
    store_free_values();
    graph_.sort_and_sweep();
  }

 private:
  void emit(Nodes& nodes, std::string name) {
    if (trace_) std::fprintf(stderr, "fuse: %s of %zu nodes\n", name.c_str(), nodes.size());
    add_free_operands(nodes);
    make_group(graph_, {.nodes = nodes, .name = std::move(name), .library = {}});
  }

  // A scan with constant states or transposed operands becomes one kernel with them.
  void group_scans() {
    Nodes scans;
    for (const auto& node : graph_.nodes()) {
      if (node->is("scan")) scans.push_back(node.get());
    }
    for (Node* scan : scans) {
      Nodes nodes;
      for (int i = 0; i < scan->num_operands(); ++i) {
        Node* producer = scan->operand(i).node;
        bool absorbed = is_over_steps({scan, i}) && (is_free(*producer) || feeds_only_a_scan(*producer));
        if (absorbed && std::find(nodes.begin(), nodes.end(), producer) == nodes.end()) nodes.push_back(producer);
      }
      nodes.push_back(scan);
      make_group(graph_, {.nodes = nodes, .name = "scan", .library = {}});
    }
  }

  // Groups have their copies; what still uses a constant (a library call, a loop, an output) needs it in memory.
  void store_free_values() {
    Nodes free;
    for (const auto& node : graph_.nodes()) {
      if (is_free(*node)) free.push_back(node.get());
    }
    for (Node* node : free) {
      const std::vector<Use>& uses = node->uses();
      bool needed = handed_out_.results.count(node->result()) > 0 || handed_out_.taps.count(node->result()) > 0 ||
                    std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !grouped_.count(use.user); });
      if (needed) make_group(graph_, {.nodes = {node}, .name = group_name({node}), .library = {}});
    }
  }

  // A reshape at the border of a group is a view of what the group reads or writes: it costs nothing outside. What it
  // reads must be in memory, then: an iota that only the group needs is not.
  static Nodes without_outer_views(Nodes nodes) {
    for (bool changed = true; changed;) {
      Members members(nodes.begin(), nodes.end());
      auto is_outer = [&](const Node* node) {
        if (!is_view(*node)) return false;
        const Node& producer = *node->operand(0).node;
        if (!members.count(&producer) && !is_free(producer)) return true;
        const std::vector<Use>& uses = node->uses();
        return std::none_of(uses.begin(), uses.end(), [&](const Use& use) { return members.count(use.user) > 0; });
      };
      changed = std::erase_if(nodes, is_outer) > 0;
    }
    return nodes;
  }

  // Constants are copied into every group that uses them.
  static void add_free_operands(Nodes& nodes) {
    Nodes all;
    Members added;
    for (Node* node : nodes) {
      for (const Value& operand : node->operands()) {
        if (is_free(*operand.node) && added.insert(operand.node).second) all.push_back(operand.node);
      }
    }
    all.insert(all.end(), nodes.begin(), nodes.end());
    nodes = std::move(all);
  }

  bool is_used_outside(Value value, const Members& members) const {
    const std::vector<Use>& uses = value.node->uses(value.index);
    return handed_out_.results.count(value) > 0 ||
           std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !members.count(use.user); });
  }

  void duplicate_unstorable_taps(Nodes& nodes) {
    if (handed_out_.taps.empty()) return;
    Members members(nodes.begin(), nodes.end());
    std::set<Value> stored;
    auto is_member = [&](const Node& node) { return members.count(&node) > 0; };
    auto is_result = [&](Value value) { return is_used_outside(value, members) || stored.count(value) > 0; };
    for (Node* node : nodes) {
      for (int i = 0; i < node->num_results(); ++i) {
        Value value = node->result(i);
        if (!handed_out_.taps.count(value) || is_result(value)) continue;
        stored.insert(value);
        if (row_spaces_.share(nodes, is_member, is_result)) continue;
        stored.erase(value);
        compute_again(value, members);
      }
    }
  }

  // A group of its own for a tapped value: copies of the members it depends on.
  void compute_again(Value value, const Members& members) {
    Nodes needed;
    std::unordered_map<const Node*, Node*> copies;
    std::function<Node*(Node*)> copy = [&](Node* node) -> Node* {
      if (!members.count(node)) return node;
      if (auto it = copies.find(node); it != copies.end()) return it->second;
      Values operands;
      for (const Value& operand : node->operands()) operands.push_back({copy(operand.node), operand.index});
      graph_.set_loc(node->loc());
      Node* twin = graph_.add(node->op(), std::move(operands), node->attrs());
      needed.push_back(twin);
      return copies[node] = twin;
    };
    Value twin{copy(value.node), value.index};
    for (Output& output : graph_.mutable_outputs()) {
      if (output.value == value && output.tap) output.value = twin;
    }
    emit(needed, absl::StrCat("tap_", group_name(needed)));
  }

  Graph& graph_;
  HandedOut handed_out_;
  bool trace_;
  RowSpaces row_spaces_;
  Members grouped_;  // what kernels compute
};

}  // namespace

void emit_groups(Graph& graph, std::vector<Nodes> groups) { Emitter(graph).run(std::move(groups)); }

}  // namespace mica::ir
