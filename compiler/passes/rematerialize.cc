#include "compiler/passes/rematerialize.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "compiler/graph/location.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

using Group = LoopGroups::Group;

// Operations that are computed again at most, for values of more bytes than a cache line or two hold.
constexpr std::size_t kMaxRecipe = 4;
constexpr double kWorthComputing = 16 * 1024;

// What a group would compute again for each group that reads it: cheap operations, and what they read.
struct Recipe {
  std::vector<Node*> nodes;  // in topological order; the last gives the value
  Values reads;              // in memory anyway
};

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_cheap(const Node& node) {
  return node.op().fusion == FusionClass::kElementwise && node.op().scalar && node.num_results() == 1 &&
         !loop::is_transcendental(*node.op().scalar);
}

bool reads(const Group& group, const Value& value) {
  return std::any_of(group.nodes.begin(), group.nodes.end(),
                     [&](const Node* node) { return contains(node->operands(), value); });
}

// Bytes, where an open dim counts as a usual batch.
double bytes(const Value& value) {
  auto usual = [](const Symbol&) { return std::int64_t{32}; };
  return static_cast<double>(value.type().numel().evaluate(usual)) * value.dtype().bytes();
}

class Rematerializer {
 public:
  explicit Rematerializer(LoopGroups& groups) : groups_(groups) {}

  void run() {
    const std::size_t count = groups_.graph().nodes().size();  // copies are appended
    for (std::size_t i = 0; i < count; ++i) visit(*groups_.graph().nodes()[i]);
  }

 private:
  void visit(Node& node) {
    Group* group = groups_.of(node);
    if (!group || node.num_results() != 1 || groups_.is_hoisted(node)) return;
    if (!is_cheap(node)) return;
    std::vector<Group*> readers = readers_outside(node);
    // Storing writes the value once and reads it in each group.
    const double stored = bytes(node.result()) * static_cast<double>(1 + readers.size());
    if (readers.empty() || stored <= kWorthComputing) return;
    std::optional<Recipe> recipe = recipe_of(node);
    if (!recipe || bytes_to_compute(*recipe, readers) >= stored) return;
    if (!std::all_of(readers.begin(), readers.end(), [&](Group* reader) { return has_room(*reader, *recipe); })) return;
    std::vector<std::vector<Node*>> copies;
    for (Group* reader : readers) copies.push_back(compute_inside(*reader, node, *recipe));
    groups_.drop_unused(*group);
    mark(*recipe, copies);
  }

  // The groups that read a value of another group; none when somebody else needs it in memory.
  std::vector<Group*> readers_outside(Node& node) const {
    std::vector<Group*> readers;
    const HandedOut& handed_out = groups_.handed_out();
    if (handed_out.results.count(node.result()) || handed_out.taps.count(node.result())) return {};
    for (const Use& use : node.uses()) {
      if (groups_.is_dropped(*use.user)) continue;
      Group* reader = groups_.of(*use.user);
      if (!reader || groups_.is_hoisted(*use.user)) return {};
      if (reader != groups_.of(node) && !contains(readers, reader)) readers.push_back(reader);
    }
    return readers;
  }

  std::optional<Recipe> recipe_of(Node& node) const {
    Recipe recipe;
    if (!collect(node, groups_.of(node), recipe)) return std::nullopt;
    return recipe;
  }

  bool collect(Node& at, const Group* group, Recipe& recipe) const {
    if (!is_cheap(at) || recipe.nodes.size() >= kMaxRecipe) return false;
    auto is_in_memory = [&](const Value& value) {
      return groups_.of(*value.node) != group ||
             groups_.is_used_outside(value, [&](const Node& user) { return groups_.of(user) == group; });
    };
    for (const Value& operand : at.operands()) {
      if (is_free(*operand.node) || contains(recipe.reads, operand) || contains(recipe.nodes, operand.node)) continue;
      if (is_in_memory(operand)) {
        recipe.reads.push_back(operand);
      } else if (!collect(*operand.node, group, recipe)) {
        return false;
      }
    }
    recipe.nodes.push_back(&at);
    return recipe.nodes.size() <= kMaxRecipe;
  }

  // What the readers do not read anyway.
  static double bytes_to_compute(const Recipe& recipe, const std::vector<Group*>& readers) {
    double computed = 0;
    for (const Group* reader : readers) {
      for (const Value& value : recipe.reads) computed += reads(*reader, value) ? 0 : bytes(value);
    }
    return computed;
  }

  bool has_room(const Group& reader, const Recipe& recipe) {
    std::vector<Node*> nodes = recipe.nodes;
    nodes.insert(nodes.end(), reader.nodes.begin(), reader.nodes.end());
    auto is_own = [&](const Node& node) { return groups_.of(node) == &reader; };
    auto is_member = [&](const Node& node) { return is_own(node) || contains(recipe.nodes, const_cast<Node*>(&node)); };
    auto is_result = [&](Value value) { return is_own(*value.node) && groups_.is_used_outside(value, is_own); };
    return groups_.fit_one_kernel(nodes, is_member, is_result);
  }

  // Copies of the recipe's nodes, in its order.
  std::vector<Node*> compute_inside(Group& reader, Node& node, const Recipe& recipe) {
    std::unordered_map<const Node*, Node*> copies;
    std::vector<Node*> nodes;
    Graph& graph = groups_.graph();
    for (Node* original : recipe.nodes) {
      Values operands = original->operands();
      for (Value& operand : operands) {
        if (auto it = copies.find(operand.node); it != copies.end()) operand.node = it->second;
      }
      graph.set_loc(original->loc());
      nodes.push_back(copies[original] = graph.add(original->op(), std::move(operands), original->attrs()));
    }
    for (Node* user : reader.nodes) {
      for (int i = 0; i < user->num_operands(); ++i) {
        if (user->operand(i) == node.result()) user->set_operand(i, copies.at(&node)->result());
      }
    }
    groups_.prepend(reader, nodes);
    return nodes;
  }

  // Dumps say what is computed once more. Where the original is gone, the first copy is the value itself.
  void mark(const Recipe& recipe, const std::vector<std::vector<Node*>>& copies) const {
    for (std::size_t i = 0; i < recipe.nodes.size(); ++i) {
      for (std::size_t reader = groups_.is_dropped(*recipe.nodes[i]) ? 1 : 0; reader < copies.size(); ++reader) {
        Node* copy = copies[reader][i];
        copy->set_loc(with_role(copy->loc(), Role::kRecomputed));
      }
    }
  }

  LoopGroups& groups_;
};

}  // namespace

void rematerialize(LoopGroups& groups) { Rematerializer(groups).run(); }

}  // namespace mica::ir
