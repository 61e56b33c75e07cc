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

bool has_static_results(const Node& node) {
  return std::all_of(node.result_types().begin(), node.result_types().end(),
                     [](const TensorType& type) { return all_static(type.dims); });
}

}  // namespace

std::unordered_set<const Node*> hoistable_nodes(const Graph& graph) {
  std::unordered_set<const Node*> updated, hoistable;
  for (const Output& output : graph.outputs()) {
    if (output.target) updated.insert(output.target);
  }
  auto is_known = [&](const Value& operand) {
    const Node& node = *operand.node;
    if (node.is("variable")) return updated.count(&node) == 0 && has_static_results(node);
    return hoistable.count(&node) > 0 || is_free(node);
  };
  for (const auto& node : graph.nodes()) {
    if (node->num_operands() == 0 || !has_static_results(*node)) continue;
    if (std::all_of(node->operands().begin(), node->operands().end(), is_known) && is_worth_keeping(*node))
      hoistable.insert(node.get());
  }
  return hoistable;
}

}  // namespace mica::ir
