// Operations whose operands are all constants are computed by the reference, in double. A constant is one number in
// every element: results that are not stay computed.
#include <algorithm>
#include <cmath>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/pattern.h"
#include "compiler/reference.h"

namespace mica::ir {
namespace {

// A constant with `dims`, as the reference takes it. Elementwise operations are folded on scalars: any shape, any
// symbol.
RefTensor filled(Value constant, bool as_scalar) {
  double number = 0;
  is_splat(constant, &number);
  RefTensor tensor{.dtype = constant.dtype(), .dims = {}, .data = {}};
  if (!as_scalar) {
    for (const Dim& dim : constant.dims()) tensor.dims.push_back(dim.value());
  }
  tensor.data.assign(static_cast<std::size_t>(tensor.numel()), number);
  return tensor;
}

bool is_foldable(const Node& node, const PassOptions& options) {
  if (node.num_operands() == 0 || node.num_results() != 1 || !node.bodies().empty()) return false;
  double ignored;
  for (const Value& operand : node.operands()) {
    if (!is_splat(operand, &ignored)) return false;
  }
  if (node.op().fusion == FusionClass::kElementwise) return true;
  auto is_small = [&](const TensorType& type) {
    return all_static(type.dims) && type.numel().value() > 0 && type.numel().value() <= options.fold_limit;
  };
  for (const Value& operand : node.operands()) {
    if (!is_small(operand.type())) return false;
  }
  return is_small(node.result_types()[0]);
}

// The number in every element of the result; nothing when they differ or the reference has no value.
std::optional<double> fold(const Node& node) {
  bool as_scalar = node.op().fusion == FusionClass::kElementwise;
  std::vector<RefTensor> operands;
  for (const Value& operand : node.operands()) operands.push_back(filled(operand, as_scalar));
  std::vector<const RefTensor*> pointers;
  for (const RefTensor& operand : operands) pointers.push_back(&operand);
  absl::StatusOr<std::vector<RefTensor>> results = evaluate_op(node.op(), node.attrs(), pointers);
  if (!results.ok()) return std::nullopt;
  const std::vector<double>& data = results->front().data;
  double first = data.front();
  bool uniform = std::all_of(data.begin(), data.end(), [&](double x) { return x == first; });
  return uniform && std::isfinite(first) ? std::optional<double>(first) : std::nullopt;
}

}  // namespace

absl::Status constant_fold(Graph& graph, const PassOptions& options) {
  return for_each_region(graph, [&](Graph& region) {
    Builder b(region);
    // In order: what a folded node feeds comes later.
    std::vector<Node*> nodes;
    for (const auto& node : region.nodes()) nodes.push_back(node.get());
    for (Node* node : nodes) {
      if (!is_foldable(*node, options)) continue;
      std::optional<double> number = fold(*node);
      if (!number) continue;
      region.set_loc(node->loc());
      region.replace_all_uses(node->result(), b.constant(*number, node->result().dtype(), node->result().dims()));
    }
    region.sort_and_sweep();
    return absl::OkStatus();
  });
}

}  // namespace mica::ir
