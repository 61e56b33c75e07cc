// In inference a normalisation is a scale and an offset of each channel, known before the input: the call before it
// takes both, the scale into its weights and the offset into its bias. The arithmetic is done in double, once, as
// hoisted nodes.
//
//     conv(x, W) ── add(b) ── batch_normalization(mean, variance, scale, offset)
//  -> conv(x, W * s) ── add((b - mean) * s + offset)             s = scale / sqrt(variance + epsilon)
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/hoist.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// The axis of a call's weights that runs over the channels of its result; nothing when they are not one axis.
std::optional<int> channel_axis(const Node& call) {
  if (call.is("conv")) return call.operand(1).rank() - 1;
  if (call.is("conv_grad_input") && call.attrs().integer("groups") == 1) return call.operand(1).rank() - 2;
  if (call.is("matmul") && call.operand(1).rank() == 2) return call.attrs().flag("transpose_b") ? 0 : 1;
  return std::nullopt;
}

class NormalizationFolder {
 public:
  explicit NormalizationFolder(Graph& graph) : graph_(graph), b_(graph), fixed_(fixed_values(graph)) {
    for (const Output& output : graph.outputs()) handed_out_.insert(output.value.node);
  }

  void run() {
    std::vector<Node*> norms;
    for (const auto& node : graph_.nodes()) {
      if (node->is("batch_normalization")) norms.push_back(node.get());
    }
    for (Node* norm : norms) fold(*norm);
    graph_.sort_and_sweep();
  }

 private:
  bool is_inner(Value value) const {
    return value.node->uses(value.index).size() == 1 && !handed_out_.count(value.node);
  }

  bool is_fixed_channel_vector(Value value, const Dim& channels) const {
    return fixed_.count(value.node) > 0 && value.type().numel() == channels &&
           (value.rank() == 0 || value.dims().back() == channels);
  }

  void fold(Node& norm) {
    const Dim& channels = norm.result().dims().back();
    for (int i = 1; i < norm.num_operands(); ++i) {
      if (!is_fixed_channel_vector(norm.operand(i), channels)) return;
    }
    Value value = norm.operand(0), bias;
    if (value.node->is("add") && is_inner(value)) {
      for (int side : {0, 1}) {
        if (!is_fixed_channel_vector(value.node->operand(side), channels)) continue;
        bias = value.node->operand(side);
        value = value.node->operand(1 - side);
        break;
      }
    }
    std::optional<int> axis = channel_axis(*value.node);
    if (!axis || !is_inner(value) || !fixed_.count(value.node->operand(1).node)) return;
    graph_.set_loc(norm.loc());
    graph_.replace_all_uses(norm.result(), folded(norm, *value.node, bias, *axis));
  }

  Value wide_vector(Value value) { return b_.cast(b_.reshape(value, {value.type().numel()}), kFloat64); }

  Value folded(Node& norm, Node& call, Value bias, int axis) {
    Value scale = b_.rsqrt(wide_vector(norm.operand(2)) + norm.attrs().number("epsilon"));
    if (norm.num_operands() > 3) scale = scale * wide_vector(norm.operand(3));
    Value offset = -wide_vector(norm.operand(1));
    if (bias) offset = offset + wide_vector(bias);
    offset = offset * scale;
    if (norm.num_operands() > 4) offset = offset + wide_vector(norm.operand(4));

    Value weights = call.operand(1);
    Dims aligned(static_cast<std::size_t>(weights.rank() - axis), Dim(1));
    aligned[0] = scale.dims()[0];
    Value scaled = b_.cast(b_.cast(weights, kFloat64) * b_.reshape(scale, aligned), weights.dtype());
    graph_.set_loc(call.loc());
    Value again = b_.call(call.op().name, {call.operand(0), scaled}, call.attrs());
    graph_.set_loc(norm.loc());
    return again + b_.cast(offset, again.dtype());
  }

  Graph& graph_;
  Builder b_;
  std::unordered_set<const Node*> fixed_, handed_out_;
};

}  // namespace

absl::Status fold_normalization(Graph& graph, const PassOptions&) {
  NormalizationFolder(graph).run();
  return absl::OkStatus();
}

}  // namespace mica::ir
