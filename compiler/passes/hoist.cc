#include "compiler/passes/hoist.h"

#include <algorithm>

#include "compiler/passes/groups.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {
namespace {

std::int64_t elements(const Types& types) {
  std::int64_t total = 0;
  for (const TensorType& type : types) total += type.numel().value();
  return total;
}

bool is_worth_keeping(const Node& node) {
  std::int64_t read = 0;
  for (const Value& operand : node.operands()) {
    if (!is_free(*operand.node)) read += operand.type().numel().value();
  }
  return elements(node.result_types()) <= read;
}

// Neither its results' dims nor its attributes speak of a size that a run decides.
bool ignores_sizes(const Node& node) {
  const Types& results = node.result_types();
  const auto& attrs = node.attrs().items();
  return std::all_of(results.begin(), results.end(), [](const TensorType& type) { return all_static(type.dims); }) &&
         std::all_of(attrs.begin(), attrs.end(), [](const auto& item) {
           const Dims* dims = std::get_if<Dims>(&item.second);
           return dims == nullptr || all_static(*dims);
         });
}

}  // namespace

std::unordered_set<const Node*> fixed_values(const Graph& graph) {
  std::unordered_set<const Node*> updated, fixed;
  for (const Output& output : graph.outputs()) {
    if (output.target) updated.insert(output.target);
  }
  for (const auto& node : graph.nodes()) {
    if (!ignores_sizes(*node)) continue;
    const Values& operands = node->operands();
    bool from_fixed = !operands.empty() && std::all_of(operands.begin(), operands.end(), [&](const Value& operand) {
      return fixed.count(operand.node) > 0 || (is_free(*operand.node) && ignores_sizes(*operand.node));
    });
    if (node->is("variable") ? updated.count(node.get()) == 0 : from_fixed) fixed.insert(node.get());
  }
  return fixed;
}

std::unordered_set<const Node*> hoistable_nodes(const Graph& graph) {
  std::unordered_set<const Node*> hoistable = fixed_values(graph);
  // In order, so that what a node is computed from has been decided.
  for (const auto& node : graph.nodes()) {
    const Values& operands = node->operands();
    bool from_kept = std::all_of(operands.begin(), operands.end(), [&](const Value& operand) {
      return hoistable.count(operand.node) > 0 || operand.node->is("variable") || is_free(*operand.node);
    });
    if (node->is("variable") || !from_kept || (hoistable.count(node.get()) && !is_worth_keeping(*node)))
      hoistable.erase(node.get());
  }
  return hoistable;
}

}  // namespace mica::ir
