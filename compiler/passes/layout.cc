// How operands lie in memory: transposes become flags of the product that reads or makes them.
#include "compiler/passes/layout.h"

#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// Swaps the last two axes and nothing else.
bool swaps_last_two(const Node& transpose) {
  const Ints& permutation = transpose.attrs().ints("permutation");
  const auto rank = static_cast<std::int64_t>(permutation.size());
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    std::int64_t want = axis == rank - 1 ? rank - 2 : axis == rank - 2 ? rank - 1 : axis;
    if (permutation[static_cast<std::size_t>(axis)] != want) return false;
  }
  return rank >= 2;
}

// matmul with operand `side` read through its transpose.
Value absorb_operand(Match& m, int side) {
  Node& node = m.root();
  Node& transpose = *node.operand(side).node;
  if (!swaps_last_two(transpose)) return {};
  Values operands = node.operands();
  operands[static_cast<std::size_t>(side)] = transpose.operand(0);
  bool ta = node.attrs().flag("transpose_a"), tb = node.attrs().flag("transpose_b");
  return m.b.matmul(operands[0], operands[1], side == 0 ? !ta : ta, side == 1 ? !tb : tb);
}

// (a b)ᵀ = bᵀ aᵀ
Value absorb_result(Match& m) {
  Node& product = *m.root().operand(0).node;
  Value a = product.operand(0), b = product.operand(1);
  if (!swaps_last_two(m.root()) || product.uses().size() != 1 || a.rank() != b.rank()) return {};
  return m.b.matmul(b, a, !product.attrs().flag("transpose_b"), !product.attrs().flag("transpose_a"));
}

std::vector<Rule> product_rules() {
  return {
      {"transposed-left", call("matmul", {call("transpose", {any("a")}), any("b")}),
       [](Match& m) { return absorb_operand(m, 0); },
       R"(graph @example(%a: f32[3,N], %b: f32[3,4]) {
  %0 = transpose(%a) {permutation=[1,0]} : f32[N,3]
  %1 = matmul(%0, %b) : f32[N,4]
  return %1 as "y"
})",
       R"(graph @other_axes(%a: f32[3,2,5], %b: f32[2,5,4]) {
  %0 = transpose(%a) {permutation=[1,0,2]} : f32[2,3,5]
  %1 = matmul(%0, %b) : f32[2,3,4]
  return %1 as "y"
})"},
      {"transposed-right", call("matmul", {any("a"), call("transpose", {any("b")})}),
       [](Match& m) { return absorb_operand(m, 1); },
       R"(graph @example(%a: f32[N,3], %b: f32[4,3]) {
  %0 = transpose(%b) {permutation=[1,0]} : f32[3,4]
  %1 = matmul(%a, %0) : f32[N,4]
  return %1 as "y"
})",
       R"(graph @other_axes(%a: f32[2,3,5], %b: f32[4,5,2]) {
  %0 = transpose(%b) {permutation=[2,1,0]} : f32[2,5,4]
  %1 = matmul(%a, %0) : f32[2,3,4]
  return %1 as "y"
})"},
      {"transposed-product", call("transpose", {call("matmul", {any("a"), any("b")})}), absorb_result,
       R"(graph @example(%a: f32[N,3], %b: f32[3,4]) {
  %0 = matmul(%a, %b) : f32[N,4]
  %1 = transpose(%0) {permutation=[1,0]} : f32[4,N]
  return %1 as "y"
})",
       R"(graph @also_read(%a: f32[N,3], %b: f32[3,4]) {
  %0 = matmul(%a, %b) : f32[N,4]
  %1 = transpose(%0) {permutation=[1,0]} : f32[4,N]
  %2 = relu(%0) : f32[N,4]
  return %1 as "y"
  return %2 as "z"
})"},
  };
}

}  // namespace

std::span<const Rule> layout_rules() {
  static const auto* rules = new std::vector<Rule>(product_rules());
  return *rules;
}

absl::Status choose_layout(Graph& graph, const PassOptions&) {
  return for_each_region(graph, [](Graph& region) { return apply_rules(region, layout_rules()).status(); });
}

}  // namespace mica::ir
