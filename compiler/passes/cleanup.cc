// Common subexpressions, then dead nodes.
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// Equal keys mean equal values: operations are pure, random ones take their counter as an operand.
std::string value_key(const Node& node, const std::unordered_map<const Node*, std::size_t>& numbers) {
  std::string key = node.op().name;
  for (const auto& [name, attr] : node.attrs().items()) absl::StrAppend(&key, " ", name, "=", to_string(attr));
  for (const Value& operand : node.operands())
    absl::StrAppend(&key, " %", numbers.at(operand.node), "#", operand.index);
  for (const auto& body : node.bodies()) absl::StrAppend(&key, body->structural_key());
  return key;
}

absl::Status clean(Graph& graph) {
  std::unordered_map<const Node*, std::size_t> numbers;
  std::unordered_map<std::string, Node*> first;
  for (const auto& node : graph.nodes()) {
    numbers.emplace(node.get(), numbers.size());
    if (node->is("input") || node->is("variable")) continue;
    auto [it, is_new] = first.emplace(value_key(*node, numbers), node.get());
    if (is_new) continue;
    for (int i = 0; i < node->num_results(); ++i) graph.replace_all_uses(node->result(i), it->second->result(i));
  }
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

absl::Status cleanup(Graph& graph, const PassOptions&) { return for_each_region(graph, clean); }

}  // namespace mica::ir
