// How operands lie in memory: transposes become flags of the product that reads or makes them, or go on until they meet
// their inverse; padding becomes the convolution's own.
#include "compiler/passes/layout.h"

#include <algorithm>

#include "compiler/ops/op_def.h"
#include "compiler/ops/window.h"
#include "compiler/passes/canonicalize.h"
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

// Zeros around the spatial axes are what a convolution's own padding reads.
Value absorb_padding(Match& m) {
  Node& conv = m.root();
  const Attrs& pad = conv.operand(0).node->attrs();
  auto amounts = [&](const char* name, Ints own) {
    const Dims& dims = pad.get<Dims>(name);
    own.resize(static_cast<std::size_t>(conv.operand(0).rank() - 2), 0);
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      bool spatial = axis > 0 && axis + 1 < static_cast<std::size_t>(conv.operand(0).rank());
      if (!dims[axis].is_static() || dims[axis].value() < 0 || (!spatial && !dims[axis].is(0))) return Ints{-1};
      if (spatial) own[axis - 1] += dims[axis].value();
    }
    return own;
  };
  Ints low = amounts("low", conv.attrs().ints("pad_low")), high = amounts("high", conv.attrs().ints("pad_high"));
  const Ints& interior = pad.ints("interior");
  bool spreads = std::any_of(interior.begin(), interior.end(), [](std::int64_t n) { return n != 0; });
  if (pad.number("value") != 0 || spreads || low == Ints{-1} || high == Ints{-1}) return {};
  Attrs attrs = conv.attrs();
  attrs.set("pad_low", low);
  attrs.set("pad_high", high);
  return m.b.call("conv", {m["x"], m["w"]}, attrs);
}

// What `dim` lacks of a multiple of the stride; nothing where no number says it.
std::optional<std::int64_t> lack_of_strides(const Dim& dim, std::int64_t stride) {
  for (std::int64_t lack = 0; lack < stride; ++lack) {
    if (Dim::exact_div(dim + lack, Dim(stride))) return lack;
  }
  return std::nullopt;
}

// The library spreads a gradient fast over whole strides only: the rest of the last one is computed and cut off.
Value fill_last_stride(Match& m) {
  Node& node = m.root();
  const Dims &from = m["y"].dims(), &to = node.result().dims();
  SlidingWindow window(node.attrs(), m["y"].rank() - 2);
  Dims spatial = node.attrs().get<Dims>("spatial");
  for (std::size_t i = 0; i < spatial.size(); ++i) {
    std::optional<std::int64_t> lack = lack_of_strides(spatial[i], window.strides[i]);
    if (!lack) return {};
    spatial[i] = spatial[i] + *lack;
    Dim reach = (from[i + 1] - 1) * Dim(window.strides[i]) + (m["w"].dims()[i] - 1) * Dim(window.dilations[i]) + 1;
    Dim spare = spatial[i] + window.pad_low[i] + window.pad_high[i] - reach;
    if (!spare.is_static() || spare.value() >= window.strides[i]) return {};  // it would hold one window more
  }
  if (spatial == node.attrs().get<Dims>("spatial")) return {};
  Attrs attrs = node.attrs();
  attrs.set("spatial", spatial);
  Value cut = m.b.call("conv_grad_input", {m["y"], m["w"]}, attrs);
  for (std::size_t axis = 1; axis <= spatial.size(); ++axis) {
    if (!(spatial[axis - 1] == to[axis])) cut = m.b.slice(cut, static_cast<int>(axis), 0, to[axis]);
  }
  return cut;
}

// f(transpose(x), transpose(y), 2) = transpose(f(x, y, 2)): the transpose goes on until it meets its inverse.
Value sink_transpose(Match& m) {
  Node& node = m.root();
  if (node.op().fusion != FusionClass::kElementwise) return {};
  Values operands = node.operands();
  const Ints* permutation = nullptr;
  for (Value& operand : operands) {
    if (operand.type().numel().is(1)) continue;
    if (!operand.node->is("transpose") || operand.dims() != node.result().dims() || operand.node->uses().size() != 1)
      return {};
    const Ints& own = operand.node->attrs().ints("permutation");
    if (permutation && *permutation != own) return {};
    permutation = &own;
    operand = operand.node->operand(0);
  }
  if (!permutation) return {};
  for (Value& operand : operands) {
    if (operand.type().numel().is(1)) operand = m.b.reshape(operand, {});
  }
  Ints moved = *permutation;
  return m.b.transpose(m.b.call(node.op().name, std::move(operands), node.attrs()), std::move(moved));
}

std::vector<Rule> moving_rules() {
  return {
      {"padding-into-conv", call("conv", {call("pad", {any("x")}), any("w")}), absorb_padding,
       R"(graph @example(%x: f32[N,5,5,2], %w: f32[3,3,2,4]) {
  %0 = pad(%x) {low=[0,1,2,0], high=[0,1,0,0]} : f32[N,7,7,2]
  %1 = conv(%0, %w) {strides=[2,2]} : f32[N,3,3,4]
  return %1 as "y"
})",
       R"(graph @ones(%x: f32[N,5,5,2], %w: f32[3,3,2,4]) {
  %0 = pad(%x) {low=[0,1,1,0], high=[0,1,1,0], value=1} : f32[N,7,7,2]
  %1 = conv(%0, %w) : f32[N,5,5,4]
  return %1 as "y"
})"},
      {"whole-strides", call("conv_grad_input", {any("y"), any("w")}), fill_last_stride,
       R"(graph @example(%y: f32[N,4,4,4], %w: f32[3,3,2,4]) {
  %0 = conv_grad_input(%y, %w) {strides=[2,2], spatial=[9,9]} : f32[N,9,9,2]
  return %0 as "y"
})",
       R"(graph @whole(%y: f32[N,4,4,4], %w: f32[3,3,2,4]) {
  %0 = conv_grad_input(%y, %w) {strides=[2,2], pad_high=[1,1], spatial=[8,8]} : f32[N,8,8,2]
  return %0 as "y"
})"},
      {"sink-transpose", each(""), sink_transpose,
       R"(graph @example(%x: f32[2,3,4], %z: f32[2,3,4]) {
  %0 = transpose(%x) {permutation=[0,2,1]} : f32[2,4,3]
  %1 = transpose(%z) {permutation=[0,2,1]} : f32[2,4,3]
  %2 = maximum(%0, %1) : f32[2,4,3]
  return %2 as "y"
})",
       R"(graph @different(%x: f32[3,3,3], %z: f32[3,3,3]) {
  %0 = transpose(%x) {permutation=[0,2,1]} : f32[3,3,3]
  %1 = transpose(%z) {permutation=[2,1,0]} : f32[3,3,3]
  %2 = maximum(%0, %1) : f32[3,3,3]
  return %2 as "y"
})"},
  };
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
  static const auto* rules = [] {
    auto* all = new std::vector<Rule>(product_rules());
    for (Rule& rule : moving_rules()) all->push_back(std::move(rule));
    return all;
  }();
  return *rules;
}

absl::Status choose_layout(Graph& graph, const PassOptions&) {
  // With the canonical rules, so that what has met can vanish.
  std::vector<Rule> rules(layout_rules().begin(), layout_rules().end());
  rules.insert(rules.end(), canonical_rules().begin(), canonical_rules().end());
  return for_each_region(graph, [&](Graph& region) { return apply_rules(region, rules).status(); });
}

}  // namespace mica::ir
