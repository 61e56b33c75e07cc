// Groups operations into kernels: a consumer joins the group of its producer, and groups are merged, as long as all
// their values share one row space (row_space.h) and no path leaves the merged group and comes back. Taps are not
// results here: they never change a group; a tapped value that its group cannot store is computed a second time.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/dump.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/hoist.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {
namespace {

// Bounds of one kernel: beyond them registers spill and streams defeat the prefetchers.
constexpr std::size_t kMaxNodes = 96;
constexpr std::size_t kMaxBuffers = 24;
// Operations that are computed again at most, for values of more bytes than a cache line or two hold.
constexpr std::size_t kMaxRecipe = 4;
constexpr double kWorthComputing = 16 * 1024;
// Steps of all walks that look for cycles, roughly: graphs of more than 7,000 nodes are searched nearby only.
constexpr std::size_t kMaxWalks = 50'000'000;

struct Group {
  std::vector<Node*> nodes;  // in topological order
  std::uint32_t mark = 0;    // the walk that met it
};

class LoopFuser {
 public:
  explicit LoopFuser(Graph& graph) : graph_(graph), hoisted_(hoistable_nodes(graph)), trace_(trace_wanted("fuse")) {
    for (const auto& node : graph.nodes()) {
      position_.emplace(node.get(), position_.size());
      nodes_.push_back(node.get());
      if (!is_fusible(*node) || feeds_only_a_scan(*node)) continue;
      groups_.push_back(std::make_unique<Group>(Group{{node.get()}}));
      group_of_[node.get()] = groups_.back().get();
    }
    index_users();
    for (const Output& output : graph.outputs()) {
      // What nothing but a tap reads is there for the tap alone: no group without it could change.
      bool for_tap_alone = output.tap && output.value.node->uses(output.value.index).empty();
      (output.tap && !for_tap_alone ? taps_ : kept_).insert(output.value);
    }
  }

  void run() {
    // Reductions first: what only they read is then folded as it is computed, not stored.
    merge_along_edges([](const Node& consumer) { return consumer.op().fusion == FusionClass::kReduction; });
    merge_along_edges([](const Node&) { return true; });
    merge_siblings();
    rematerialize();
    emit();
  }

 private:
  void index_users() {
    users_.resize(nodes_.size());
    marks_.assign(nodes_.size(), 0);
    for (const Node* node : nodes_) group_at_.push_back(group_of(node));
    max_walk_ = kMaxWalks / (nodes_.size() + 1) + 1;
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      for (int i = 0; i < nodes_[at]->num_results(); ++i) {
        for (const Use& use : nodes_[at]->uses(i))
          users_[at].push_back(static_cast<std::uint32_t>(position_.at(use.user)));
      }
    }
  }

  Group* group_of(const Node* node) const {
    auto it = group_of_.find(node);
    return it == group_of_.end() ? nullptr : it->second;
  }

  // Merging makes further merges possible (a row reduction joins once its consumers have become one group).
  void merge_along_edges(bool (*wanted)(const Node& consumer)) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& node : graph_.nodes()) {
        if (!group_of(node.get()) || !wanted(*node)) continue;
        for (const Value& operand : node->operands())
          changed |= try_merge(group_of(operand.node), group_of(node.get()));
      }
    }
  }

  // Reductions of one array over the same axes read it once: the statistics and the gradients of a normalisation.
  void merge_siblings() {
    for (const auto& node : graph_.nodes()) {
      for (int i = 0; i < node->num_results(); ++i) {
        std::vector<Use> uses = node->uses(i);
        for (std::size_t k = 1; k < uses.size(); ++k) {
          Group *a = group_of(uses[0].user), *b = group_of(uses[k].user);
          if (has_reduction(a) && has_reduction(b)) try_merge(a, b);
        }
      }
    }
  }

  static bool has_reduction(const Group* group) {
    return group && std::any_of(group->nodes.begin(), group->nodes.end(),
                                [](const Node* node) { return node->op().fusion == FusionClass::kReduction; });
  }

  bool try_merge(Group* a, Group* b) {
    if (!a || !b || a == b || a->nodes.size() + b->nodes.size() > kMaxNodes) return false;
    // What runs once and what runs each time are different kernels.
    if (hoisted_.count(a->nodes.front()) != hoisted_.count(b->nodes.front())) return false;
    std::vector<Node*> merged;
    std::merge(a->nodes.begin(), a->nodes.end(), b->nodes.begin(), b->nodes.end(), std::back_inserter(merged),
               [&](const Node* x, const Node* y) { return position_.at(x) < position_.at(y); });
    std::unordered_set<const Node*> members(merged.begin(), merged.end());
    auto is_result = [&](Value value) { return is_used_outside(value, members); };
    if (num_buffers(merged, members) > kMaxBuffers || !share_row_space(merged, is_result)) return false;
    if (makes_cycle(merged)) return false;
    a->nodes = std::move(merged);
    for (Node* node : b->nodes) {
      group_of_[node] = a;
      group_at_[position_.at(node)] = a;
    }
    b->nodes.clear();
    return true;
  }

  bool is_used_outside(Value value, const std::unordered_set<const Node*>& members) const {
    if (kept_.count(value)) return true;
    for (const Use& use : value.node->uses(value.index)) {
      if (!members.count(use.user) && !dropped_.count(use.user)) return true;
    }
    return false;
  }

  std::size_t num_buffers(const std::vector<Node*>& nodes, const std::unordered_set<const Node*>& members) const {
    std::set<Value> outer;
    std::size_t results = 0;
    for (Node* node : nodes) {
      for (const Value& operand : node->operands()) {
        if (!members.count(operand.node) && !is_free(*operand.node)) outer.insert(operand);
      }
      for (int i = 0; i < node->num_results(); ++i) results += is_used_outside(node->result(i), members);
    }
    return outer.size() + results;
  }

  // True when a path leads from the members through other groups back to a member, and when that takes longer to find
  // out than it is worth. Groups are nodes of this walk.
  bool makes_cycle(const std::vector<Node*>& nodes) {
    const std::uint32_t member = ++mark_, met = ++mark_;
    for (const Node* node : nodes) marks_[position_.at(node)] = member;
    std::vector<std::uint32_t> work;
    std::size_t walked = 0;
    auto meet = [&](std::uint32_t at) {
      if (marks_[at] == member || marks_[at] == met) return;
      marks_[at] = met;
      work.push_back(at);
    };
    for (const Node* node : nodes) {
      for (std::uint32_t user : users_[position_.at(node)]) meet(user);
    }
    while (!work.empty()) {
      const std::uint32_t at = work.back();
      work.pop_back();
      if (++walked > max_walk_) return true;
      for (std::uint32_t user : users_[at]) {
        if (marks_[user] == member) return true;
        meet(user);
      }
      Group* group = group_at_[at];
      if (!group || group->mark == met) continue;
      group->mark = met;
      for (const Node* other : group->nodes) meet(static_cast<std::uint32_t>(position_.at(other)));
    }
    return false;
  }

  // What a group would compute again for each group that reads it: cheap operations, and what they read.
  struct Recipe {
    std::vector<Node*> nodes;  // in topological order; the last gives the value
    Values reads;              // in memory anyway
  };

  void rematerialize() {
    std::vector<Node*> nodes;
    for (const auto& node : graph_.nodes()) nodes.push_back(node.get());
    for (Node* node : nodes) {
      Group* group = group_of(node);
      if (!group || node->num_results() != 1 || hoisted_.count(node) || dropped_.count(node)) continue;
      std::vector<Group*> readers = readers_outside(*node);
      if (readers.empty()) continue;
      std::optional<Recipe> recipe = recipe_of(*node);
      if (!recipe || !is_cheaper(*node, *recipe, readers)) continue;
      if (!std::all_of(readers.begin(), readers.end(), [&](Group* reader) { return has_room(*reader, *recipe); }))
        continue;
      for (Group* reader : readers) compute_inside(*reader, *node, *recipe);
      drop_unused(*group);
    }
    graph_.sort_and_sweep();
  }

  // The groups that read a value of another group; none when somebody else needs it in memory.
  std::vector<Group*> readers_outside(Node& node) const {
    std::vector<Group*> readers;
    if (kept_.count(node.result()) || taps_.count(node.result())) return {};
    for (const Use& use : node.uses()) {
      if (dropped_.count(use.user)) continue;
      Group* reader = group_of(use.user);
      if (!reader || hoisted_.count(use.user)) return {};
      if (reader != group_of(&node) && std::find(readers.begin(), readers.end(), reader) == readers.end())
        readers.push_back(reader);
    }
    return readers;
  }

  static bool is_cheap(const Node& node) {
    return node.op().fusion == FusionClass::kElementwise && node.op().scalar && node.num_results() == 1 &&
           !loop::is_transcendental(*node.op().scalar);
  }

  std::optional<Recipe> recipe_of(Node& node) const {
    Recipe recipe;
    const Group* group = group_of(&node);
    auto is_in_memory = [&](const Value& value) {
      if (group_of(value.node) != group) return true;
      std::unordered_set<const Node*> members(group->nodes.begin(), group->nodes.end());
      return is_used_outside(value, members);
    };
    std::function<bool(Node&)> collect = [&](Node& at) {
      if (!is_cheap(at)) return false;
      for (const Value& operand : at.operands()) {
        if (is_free(*operand.node) || contains(recipe.reads, operand) || contains(recipe.nodes, operand.node)) continue;
        if (is_in_memory(operand)) {
          recipe.reads.push_back(operand);
        } else if (!collect(*operand.node)) {
          return false;
        }
      }
      recipe.nodes.push_back(&at);
      return recipe.nodes.size() <= kMaxRecipe;
    };
    if (!collect(node)) return std::nullopt;
    return recipe;
  }

  template <class T>
  static bool contains(const std::vector<T>& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  }

  static bool reads(const Group& group, const Value& value) {
    return std::any_of(group.nodes.begin(), group.nodes.end(),
                       [&](const Node* node) { return contains(node->operands(), value); });
  }

  // Bytes, where an open dim counts as a usual batch.
  static double bytes(const Value& value) {
    auto usual = [](const Symbol&) { return std::int64_t{32}; };
    return static_cast<double>(value.type().numel().evaluate(usual)) * value.dtype().bytes();
  }

  // Storing writes the value once and reads it in each group; computing it reads what those do not read anyway.
  static bool is_cheaper(Node& node, const Recipe& recipe, const std::vector<Group*>& readers) {
    double stored = bytes(node.result()) * static_cast<double>(1 + readers.size()), computed = 0;
    for (const Group* reader : readers) {
      for (const Value& value : recipe.reads) computed += reads(*reader, value) ? 0 : bytes(value);
    }
    return stored > kWorthComputing && computed < stored;
  }

  bool has_room(const Group& reader, const Recipe& recipe) const {
    std::vector<Node*> nodes = recipe.nodes;
    nodes.insert(nodes.end(), reader.nodes.begin(), reader.nodes.end());
    std::unordered_set<const Node*> members(nodes.begin(), nodes.end()), own(reader.nodes.begin(), reader.nodes.end());
    auto is_result = [&](Value value) { return own.count(value.node) && is_used_outside(value, own); };
    return nodes.size() <= kMaxNodes && num_buffers(nodes, members) <= kMaxBuffers && share_row_space(nodes, is_result);
  }

  void compute_inside(Group& reader, Node& node, const Recipe& recipe) {
    std::unordered_map<const Node*, Node*> copies;
    std::vector<Node*> nodes;
    for (Node* original : recipe.nodes) {
      Values operands = original->operands();
      for (Value& operand : operands) {
        if (auto it = copies.find(operand.node); it != copies.end()) operand.node = it->second;
      }
      graph_.set_loc(original->loc());
      Node* copy = graph_.add(original->op(), std::move(operands), original->attrs());
      copies[original] = copy;
      group_of_[copy] = &reader;
      nodes.push_back(copy);
    }
    for (Node* user : reader.nodes) {
      for (int i = 0; i < user->num_operands(); ++i) {
        if (user->operand(i) == node.result()) user->set_operand(i, copies.at(&node)->result());
      }
    }
    reader.nodes.insert(reader.nodes.begin(), nodes.begin(), nodes.end());
  }

  bool is_needed(Node& node) const {
    for (int i = 0; i < node.num_results(); ++i) {
      Value value = node.result(i);
      if (kept_.count(value) || taps_.count(value)) return true;
      const std::vector<Use>& uses = node.uses(i);
      if (std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !dropped_.count(use.user); })) return true;
    }
    return false;
  }

  // Users stand behind what they use, so that one walk from the end finds all.
  void drop_unused(Group& group) {
    for (std::size_t i = group.nodes.size(); i-- > 0;) {
      Node* node = group.nodes[i];
      if (is_needed(*node)) continue;
      dropped_.insert(node);
      group_of_.erase(node);
      group.nodes.erase(group.nodes.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void emit() {
    // Collected first: making a group appends nodes and replaces uses.
    std::vector<std::vector<Node*>> ready;
    for (const auto& group : groups_) {
      if (group->nodes.empty()) continue;
      std::vector<Node*> nodes = without_outer_views(group->nodes);
      if (!nodes.empty()) ready.push_back(std::move(nodes));
    }
    for (std::vector<Node*>& nodes : ready) duplicate_unstorable_taps(nodes);
    for (std::vector<Node*>& nodes : ready) {
      std::string name = group_name(nodes);
      if (trace_) std::fprintf(stderr, "fuse: %s of %zu nodes\n", name.c_str(), nodes.size());
      add_free_operands(nodes);
      make_group(graph_, {.nodes = nodes, .name = std::move(name), .library = {}});
    }
    group_scans();
    store_free_values();
    graph_.sort_and_sweep();
  }

  // What a scan runs over often comes transposed, batch first; its kernel reads it as it lies.
  static bool feeds_only_a_scan(const Node& node) {
    const std::vector<Use>& uses = node.uses();
    return node.is("transpose") && uses.size() == 1 && uses[0].user->is("scan") && is_over_steps(uses[0]);
  }

  // Whether the use is a state or what the scan runs over, not a captured value.
  static bool is_over_steps(const Use& use) {
    const Attrs& attrs = use.user->attrs();
    return use.operand < attrs.integer("num_states") + attrs.integer("num_xs");
  }

  // A scan with constant states or transposed operands becomes one kernel with them.
  void group_scans() {
    std::vector<Node*> scans;
    for (const auto& node : graph_.nodes()) {
      if (node->is("scan")) scans.push_back(node.get());
    }
    for (Node* scan : scans) {
      std::vector<Node*> nodes;
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
    std::vector<Node*> free;
    for (const auto& node : graph_.nodes()) {
      if (is_free(*node)) free.push_back(node.get());
    }
    for (Node* node : free) {
      const std::vector<Use>& uses = node->uses();
      bool needed = kept_.count(node->result()) > 0 || taps_.count(node->result()) > 0 ||
                    std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !group_of(use.user); });
      if (needed) make_group(graph_, {.nodes = {node}, .name = group_name({node}), .library = {}});
    }
  }

  // A reshape at the border of a group is a view of what the group reads or writes: it costs nothing outside.
  std::vector<Node*> without_outer_views(std::vector<Node*> nodes) const {
    for (bool changed = true; changed;) {
      std::unordered_set<const Node*> members(nodes.begin(), nodes.end());
      auto is_outer = [&](const Node* node) {
        if (!is_view(*node)) return false;
        if (!members.count(node->operand(0).node)) return true;
        const std::vector<Use>& uses = node->uses();
        return std::none_of(uses.begin(), uses.end(), [&](const Use& use) { return members.count(use.user) > 0; });
      };
      changed = std::erase_if(nodes, is_outer) > 0;
    }
    return nodes;
  }

  // Constants are copied into every group that uses them.
  static void add_free_operands(std::vector<Node*>& nodes) {
    std::vector<Node*> all;
    std::unordered_set<const Node*> added;
    for (Node* node : nodes) {
      for (const Value& operand : node->operands()) {
        if (is_free(*operand.node) && added.insert(operand.node).second) all.push_back(operand.node);
      }
    }
    all.insert(all.end(), nodes.begin(), nodes.end());
    nodes = std::move(all);
  }

  void duplicate_unstorable_taps(std::vector<Node*>& nodes) {
    std::unordered_set<const Node*> members(nodes.begin(), nodes.end());
    std::set<Value> stored;
    auto is_result = [&](Value value) { return is_used_outside(value, members) || stored.count(value) > 0; };
    for (Node* node : nodes) {
      for (int i = 0; i < node->num_results(); ++i) {
        Value value = node->result(i);
        if (!taps_.count(value) || is_result(value)) continue;
        stored.insert(value);
        if (share_row_space(nodes, is_result)) continue;
        stored.erase(value);
        compute_again(value, members);
      }
    }
  }

  // A group of its own for a tapped value: copies of the members it depends on.
  void compute_again(Value value, const std::unordered_set<const Node*>& members) {
    std::vector<Node*> needed;
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
    std::string name = absl::StrCat("tap_", group_name(needed));
    add_free_operands(needed);
    make_group(graph_, {.nodes = needed, .name = std::move(name), .library = {}});
  }

  Graph& graph_;
  std::unordered_set<const Node*> hoisted_;
  bool trace_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::unordered_map<const Node*, Group*> group_of_;
  std::unordered_map<const Node*, std::size_t> position_;
  std::vector<const Node*> nodes_;  // by position, like what follows
  std::vector<Group*> group_at_;
  std::vector<std::vector<std::uint32_t>> users_;
  std::vector<std::uint32_t> marks_;
  std::uint32_t mark_ = 0;
  std::size_t max_walk_ = 0;
  std::set<Value> kept_, taps_;              // outputs
  std::unordered_set<const Node*> dropped_;  // computed by their readers instead
};

}  // namespace

absl::Status fuse_loops(Graph& graph, const PassOptions&) {
  return for_each_block(graph, [](Graph& block) {
    LoopFuser(block).run();
    return absl::OkStatus();
  });
}

}  // namespace mica::ir
