// The rules of the pass canonicalize: one spelling for each meaning, so that later passes match fewer. Texts of
// examples are part of the rules; tests prove each of them.
#include "compiler/passes/canonicalize.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {
namespace {

bool is_identity(const Ints& permutation) {
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

// True when the axes longer than 1 keep their order: the transpose moves no element.
bool keeps_order(const Ints& permutation, const Dims& dims) {
  std::int64_t last = -1;
  for (std::int64_t axis : permutation) {
    if (dims[static_cast<std::size_t>(axis)].is(1)) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

bool is_power_of_two(double x) {
  int exponent = 0;
  return std::isfinite(x) && std::fabs(std::frexp(x, &exponent)) == 0.5 && std::abs(exponent) < 100;
}

// y = transpose(transpose(x, p), q): axis i of y is axis p[q[i]] of x.
Value compose_transposes(Match& m) {
  const Ints& outer = m.root().attrs().ints("permutation");
  const Ints& inner = m.root().operand(0).node->attrs().ints("permutation");
  Ints composed;
  for (std::int64_t axis : outer) composed.push_back(inner[static_cast<std::size_t>(axis)]);
  return m.b.transpose(m["x"], std::move(composed));
}

// Shape operations on a constant give a constant, which costs nothing at any shape.
Value reshaped_constant(Match& m) {
  return m.b.constant(m.number("c"), m.root().result().dtype(), m.root().result().dims());
}

Value drop_widening_cast(Match& m) {
  DType from = m["x"].dtype(), middle = m.root().operand(0).dtype();
  bool widens = from.is_floating() == middle.is_floating() && from.is_unsigned() == middle.is_unsigned() &&
                !from.is_bool() && middle.bytes() > from.bytes();
  return widens && m.root().result().dtype() == from ? m["x"] : Value{};
}

// Elementwise operations broadcast by themselves.
Value drop_broadcast_operand(Match& m) {
  Node& node = m.root();
  if (node.op().fusion != FusionClass::kElementwise || node.num_operands() < 2) return {};
  Values operands = node.operands();
  bool dropped = false;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].node->is("broadcast_to")) continue;
    Values without = operands;
    without[i] = operands[i].node->operand(0);
    Dims dims = without[0].dims();
    bool fits = true;
    for (const Value& value : without) {
      absl::StatusOr<Dims> both = broadcast(dims, value.dims());
      fits = fits && both.ok();
      if (fits) dims = *std::move(both);
    }
    if (!fits || dims != node.result().dims()) continue;
    operands = std::move(without);
    dropped = true;
  }
  return dropped ? m.b.call(node.op().name, std::move(operands), node.attrs()) : Value{};
}

bool is_whole_slice(const Node& slice) {
  const Attrs& attrs = slice.attrs();
  return attrs.integer("step") == 1 && slice.operand(0).dims() == slice.result_types()[0].dims;
}

bool is_flip(const Node& slice) {
  return slice.attrs().integer("step") == -1 && slice.operand(0).dims() == slice.result_types()[0].dims;
}

// The same axis the other way round, twice.
Value drop_flips(Match& m) {
  const Node &outer = m.root(), &inner = *outer.operand(0).node;
  bool cancels = is_flip(outer) && is_flip(inner) && outer.attrs().integer("axis") == inner.attrs().integer("axis");
  return cancels ? m["x"] : Value{};
}

// a[B…,m,k] b[k,n]: the leading axes are rows like m. One large product instead of many, and the gradient of b is one,
// too.
Value flatten_rows(Match& m) {
  Value a = m["a"], b = m["b"];
  const Attrs& attrs = m.root().attrs();
  if (a.rank() <= 2 || b.rank() != 2 || attrs.flag("transpose_a")) return {};
  Dims rows(a.dims().begin(), a.dims().end() - 1);
  Value flat = m.b.reshape(a, {product(rows), a.dims().back()});
  return m.b.reshape(m.b.matmul(flat, b, false, attrs.flag("transpose_b")), m.root().result().dims());
}

// An operand that is one number for each element of the last axis, or for all: a reshape that keeps that axis keeps its
// meaning.
bool is_per_channel(Value operand, const Dim& channels) {
  Dim elements = operand.type().numel();
  return elements.is(1) || (elements == channels && operand.dims().back() == channels);
}

// f(reshape(x), bias) = reshape(f(x, bias)): what computes x can then take f.
Value sink_reshape(Match& m) {
  Node& node = m.root();
  if (node.op().fusion != FusionClass::kElementwise) return {};
  Values operands = node.operands();
  Value inner;
  for (Value& operand : operands) {
    const Node& reshape = *operand.node;
    if (!reshape.is("reshape") || operand.dims() != node.result().dims() || reshape.uses().size() != 1) continue;
    if (is_trivial_reshape(reshape)) continue;  // a kernel takes it along
    if (inner) return {};
    inner = operand = operand.node->operand(0);
  }
  if (!inner) return {};
  const Dims &from = inner.dims(), &to = node.result().dims();
  for (const Value& operand : operands) {
    if (operand == inner) continue;
    bool same_channels = !from.empty() && !to.empty() && from.back() == to.back();
    if (!operand.type().numel().is(1) && !(same_channels && is_per_channel(operand, to.back()))) return {};
  }
  for (Value& operand : operands) {
    if (operand == inner) continue;
    operand = m.b.reshape(operand, operand.type().numel().is(1) ? Dims{} : Dims{to.back()});
  }
  return m.b.reshape(m.b.call(node.op().name, std::move(operands), node.attrs()), to);
}

std::vector<Rule> arithmetic_rules() {
  return {
      // (-0) + 0 is +0: the sign of a zero is the one thing this rule may change.
      {"add-zero", commuting("add", any("x"), splat(0)), to("x"),
       R"(graph @example(%x: f32[2,3]) {
  %0 = constant() {value=0, dtype=f32, shape=[]} : f32[]
  %1 = add(%x, %0) : f32[2,3]
  return %1 as "y"
})",
       R"(graph @stretched(%x: f32[3]) {
  %0 = constant() {value=0, dtype=f32, shape=[2,3]} : f32[2,3]
  %1 = add(%x, %0) : f32[2,3]
  return %1 as "y"
})"},
      {"subtract-zero", call("subtract", {any("x"), splat(0)}), to("x"),
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=0, dtype=f32, shape=[]} : f32[]
  %1 = subtract(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @other_side(%x: f32[4]) {
  %0 = constant() {value=0, dtype=f32, shape=[]} : f32[]
  %1 = subtract(%0, %x) : f32[4]
  return %1 as "y"
})"},
      {"multiply-one", commuting("multiply", any("x"), splat(1)), to("x"),
       R"(graph @example(%x: f32[2,3]) {
  %0 = constant() {value=1, dtype=f32, shape=[]} : f32[]
  %1 = multiply(%0, %x) : f32[2,3]
  return %1 as "y"
})",
       R"(graph @zero(%x: f32[2,3]) {
  %0 = constant() {value=0, dtype=f32, shape=[]} : f32[]
  %1 = multiply(%0, %x) : f32[2,3]
  return %1 as "y"
})"},
      {"multiply-minus-one", commuting("multiply", any("x"), splat(-1)), [](Match& m) { return -m["x"]; },
       R"(graph @example(%x: f32[2,3]) {
  %0 = constant() {value=-1, dtype=f32, shape=[]} : f32[]
  %1 = multiply(%x, %0) : f32[2,3]
  return %1 as "y"
})",
       R"(graph @minus_two(%x: f32[2,3]) {
  %0 = constant() {value=-2, dtype=f32, shape=[]} : f32[]
  %1 = multiply(%x, %0) : f32[2,3]
  return %1 as "y"
})"},
      {"divide-one", call("divide", {any("x"), splat(1)}), to("x"),
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=1, dtype=f32, shape=[]} : f32[]
  %1 = divide(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @reciprocal(%x: f32[4]) {
  %0 = constant() {value=1, dtype=f32, shape=[]} : f32[]
  %1 = divide(%0, %x) : f32[4]
  return %1 as "y"
})"},
      // Exact for powers of two only: every other quotient rounds differently.
      {"divide-by-power-of-two", call("divide", {any("x"), splat_as("c")}),
       [](Match& m) {
         double c = m.number("c");
         if (!is_power_of_two(c)) return Value{};
         return m["x"] * m.b.constant(1 / c, m["c"].dtype(), m["c"].dims());
       },
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=8, dtype=f32, shape=[]} : f32[]
  %1 = divide(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @inexact(%x: f32[4]) {
  %0 = constant() {value=3, dtype=f32, shape=[]} : f32[]
  %1 = divide(%x, %0) : f32[4]
  return %1 as "y"
})"},
      {"double-negation", call("negative", {call("negative", {any("x")})}), to("x"),
       R"(graph @example(%x: f32[4]) {
  %0 = negative(%x) : f32[4]
  %1 = negative(%0) : f32[4]
  return %1 as "y"
})",
       R"(graph @between(%x: f32[4]) {
  %0 = negative(%x) : f32[4]
  %1 = exp(%0) : f32[4]
  %2 = negative(%1) : f32[4]
  return %2 as "y"
})"},
      {"subtract-negative", call("subtract", {any("x"), call("negative", {any("y")})}),
       [](Match& m) { return m["x"] + m["y"]; },
       R"(graph @example(%x: f32[4], %z: f32[4]) {
  %0 = negative(%z) : f32[4]
  %1 = subtract(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @first(%x: f32[4], %z: f32[4]) {
  %0 = negative(%z) : f32[4]
  %1 = subtract(%0, %x) : f32[4]
  return %1 as "y"
})"},
      {"add-negative", commuting("add", any("x"), call("negative", {any("y")})),
       [](Match& m) { return m["x"] - m["y"]; },
       R"(graph @example(%x: f32[4], %z: f32[4]) {
  %0 = negative(%z) : f32[4]
  %1 = add(%0, %x) : f32[4]
  return %1 as "y"
})",
       R"(graph @absolute(%x: f32[4], %z: f32[4]) {
  %0 = abs(%z) : f32[4]
  %1 = add(%0, %x) : f32[4]
  return %1 as "y"
})"},
      {"power-two", call("pow", {any("x"), splat(2)}), [](Match& m) { return m["x"] * m["x"]; },
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=2, dtype=f32, shape=[]} : f32[]
  %1 = pow(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @base(%x: f32[4]) {
  %0 = constant() {value=2, dtype=f32, shape=[]} : f32[]
  %1 = pow(%0, %x) : f32[4]
  return %1 as "y"
})"},
      {"power-one", call("pow", {any("x"), splat(1)}), to("x"),
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=1, dtype=f32, shape=[]} : f32[]
  %1 = pow(%x, %0) : f32[4]
  return %1 as "y"
})",
       R"(graph @cube(%x: f32[4]) {
  %0 = constant() {value=3, dtype=f32, shape=[]} : f32[]
  %1 = pow(%x, %0) : f32[4]
  return %1 as "y"
})"},
      {"relu-relu", call("relu", {call("relu", {any("x")})}), [](Match& m) { return m.root().operand(0); },
       R"(graph @example(%x: f32[4]) {
  %0 = relu(%x) : f32[4]
  %1 = relu(%0) : f32[4]
  return %1 as "y"
})",
       R"(graph @absolute(%x: f32[4]) {
  %0 = abs(%x) : f32[4]
  %1 = relu(%0) : f32[4]
  return %1 as "y"
})"},
      {"where-same", call("where", {any("c"), any("x"), any("x")}), to("x"),
       R"(graph @example(%c: bool[4], %x: f32[4]) {
  %0 = where(%c, %x, %x) : f32[4]
  return %0 as "y"
})",
       R"(graph @different(%c: bool[4], %x: f32[4], %z: f32[4]) {
  %0 = where(%c, %x, %z) : f32[4]
  return %0 as "y"
})"},
  };
}

std::vector<Rule> shape_rules() {
  return {
      {"identity-transpose", call("transpose", {any("x")}),
       [](Match& m) { return is_identity(m.root().attrs().ints("permutation")) ? m["x"] : Value{}; },
       R"(graph @example(%x: f32[3,3]) {
  %0 = transpose(%x) {permutation=[0,1]} : f32[3,3]
  return %0 as "y"
})",
       R"(graph @square(%x: f32[3,3]) {
  %0 = transpose(%x) {permutation=[1,0]} : f32[3,3]
  return %0 as "y"
})"},
      {"transpose-transpose", call("transpose", {call("transpose", {any("x")})}), compose_transposes,
       R"(graph @example(%x: f32[2,3,4]) {
  %0 = transpose(%x) {permutation=[1,2,0]} : f32[3,4,2]
  %1 = transpose(%0) {permutation=[1,2,0]} : f32[4,2,3]
  return %1 as "y"
})",
       R"(graph @between(%x: f32[2,3,4]) {
  %0 = transpose(%x) {permutation=[1,2,0]} : f32[3,4,2]
  %1 = reduce_sum(%0) {axes=[0], keepdims=true} : f32[1,4,2]
  %2 = transpose(%1) {permutation=[1,2,0]} : f32[4,2,1]
  return %2 as "y"
})"},
      {"transpose-moves-nothing", call("transpose", {any("x")}),
       [](Match& m) {
         if (!keeps_order(m.root().attrs().ints("permutation"), m["x"].dims())) return Value{};
         return m.b.reshape(m["x"], m.root().result().dims());
       },
       R"(graph @example(%x: f32[2,1,4]) {
  %0 = transpose(%x) {permutation=[1,0,2]} : f32[1,2,4]
  return %0 as "y"
})",
       R"(graph @moves(%x: f32[2,1,4]) {
  %0 = transpose(%x) {permutation=[1,2,0]} : f32[1,4,2]
  return %0 as "y"
})"},
      {"identity-reshape", call("reshape", {any("x")}), to("x"),
       R"(graph @example(%x: f32[N,4]) {
  %0 = reshape(%x) {shape=[N,4]} : f32[N,4]
  return %0 as "y"
})",
       R"(graph @flatten(%x: f32[N,4]) {
  %0 = reshape(%x) {shape=[4*N]} : f32[4*N]
  return %0 as "y"
})"},
      {"reshape-reshape", call("reshape", {call("reshape", {any("x")})}),
       [](Match& m) { return m.b.reshape(m["x"], m.root().result().dims()); },
       R"(graph @example(%x: f32[2,6]) {
  %0 = reshape(%x) {shape=[12]} : f32[12]
  %1 = reshape(%0) {shape=[3,4]} : f32[3,4]
  return %1 as "y"
})",
       R"(graph @between(%x: f32[2,6]) {
  %0 = reshape(%x) {shape=[12]} : f32[12]
  %1 = relu(%0) : f32[12]
  %2 = reshape(%1) {shape=[3,4]} : f32[3,4]
  return %2 as "y"
})"},
      {"identity-broadcast", call("broadcast_to", {any("x")}), to("x"),
       R"(graph @example(%x: f32[2,6]) {
  %0 = broadcast_to(%x) {shape=[2,6]} : f32[2,6]
  return %0 as "y"
})",
       R"(graph @stretches(%x: f32[6]) {
  %0 = broadcast_to(%x) {shape=[2,6]} : f32[2,6]
  return %0 as "y"
})"},
      {"broadcast-broadcast", call("broadcast_to", {call("broadcast_to", {any("x")})}),
       [](Match& m) { return m.b.broadcast_to(m["x"], m.root().result().dims()); },
       R"(graph @example(%x: f32[6]) {
  %0 = broadcast_to(%x) {shape=[2,6]} : f32[2,6]
  %1 = broadcast_to(%0) {shape=[3,2,6]} : f32[3,2,6]
  return %1 as "y"
})",
       R"(graph @between(%x: f32[6]) {
  %0 = broadcast_to(%x) {shape=[2,6]} : f32[2,6]
  %1 = reshape(%0) {shape=[3,1,4]} : f32[3,1,4]
  %2 = broadcast_to(%1) {shape=[3,2,4]} : f32[3,2,4]
  return %2 as "y"
})"},
      {"elementwise-broadcasts", each(""), drop_broadcast_operand,
       R"(graph @example(%x: f32[2,6], %b: f32[6]) {
  %0 = broadcast_to(%b) {shape=[2,6]} : f32[2,6]
  %1 = add(%x, %0) : f32[2,6]
  return %1 as "y"
})",
       R"(graph @needed(%x: f32[6], %b: f32[6]) {
  %0 = broadcast_to(%b) {shape=[2,6]} : f32[2,6]
  %1 = add(%x, %0) : f32[2,6]
  return %1 as "y"
})"},
      {"identity-cast", call("cast", {any("x")}), to("x"),
       R"(graph @example(%x: f32[4]) {
  %0 = cast(%x) {dtype=f32} : f32[4]
  return %0 as "y"
})",
       R"(graph @narrows(%x: f32[4]) {
  %0 = cast(%x) {dtype=i32} : i32[4]
  return %0 as "y"
})"},
      {"cast-there-and-back", call("cast", {call("cast", {any("x")})}), drop_widening_cast,
       R"(graph @example(%x: f32[4]) {
  %0 = cast(%x) {dtype=f64} : f64[4]
  %1 = cast(%0) {dtype=f32} : f32[4]
  return %1 as "y"
})",
       R"(graph @truncates(%x: f32[4]) {
  %0 = cast(%x) {dtype=i32} : i32[4]
  %1 = cast(%0) {dtype=f32} : f32[4]
  return %1 as "y"
})"},
      {"whole-slice", call("slice", {any("x")}), [](Match& m) { return is_whole_slice(m.root()) ? m["x"] : Value{}; },
       R"(graph @example(%x: f32[N,4]) {
  %0 = slice(%x) {axis=0, start=[0], stop=[N], step=1} : f32[N,4]
  return %0 as "y"
})",
       R"(graph @part(%x: f32[N,4]) {
  %0 = slice(%x) {axis=1, start=[0], stop=[2], step=1} : f32[N,2]
  return %0 as "y"
})"},
      {"flip-twice", call("slice", {call("slice", {any("x")})}), drop_flips,
       R"(graph @example(%x: f32[N,T,4]) {
  %0 = slice(%x) {axis=1, start=[T-1], stop=[-1], step=-1} : f32[N,T,4]
  %1 = slice(%0) {axis=1, start=[T-1], stop=[-1], step=-1} : f32[N,T,4]
  return %1 as "y"
})",
       R"(graph @part(%x: f32[N,4]) {
  %0 = slice(%x) {axis=1, start=[3], stop=[-1], step=-1} : f32[N,4]
  %1 = slice(%0) {axis=1, start=[3], stop=[1], step=-1} : f32[N,2]
  return %1 as "y"
})"},
      {"constant-reshape", call("reshape", {splat_as("c")}), reshaped_constant,
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=2, dtype=f32, shape=[2,2]} : f32[2,2]
  %1 = reshape(%0) {shape=[4]} : f32[4]
  %2 = multiply(%x, %1) : f32[4]
  return %2 as "y"
})",
       R"(graph @variable(%x: f32[4], %z: f32[2,2]) {
  %1 = reshape(%z) {shape=[4]} : f32[4]
  %2 = multiply(%x, %1) : f32[4]
  return %2 as "y"
})"},
      {"constant-transpose", call("transpose", {splat_as("c")}), reshaped_constant,
       R"(graph @example(%x: f32[4,2]) {
  %0 = constant() {value=2, dtype=f32, shape=[2,4]} : f32[2,4]
  %1 = transpose(%0) {permutation=[1,0]} : f32[4,2]
  %2 = multiply(%x, %1) : f32[4,2]
  return %2 as "y"
})",
       R"(graph @input(%x: f32[4,2], %z: f32[2,4]) {
  %1 = transpose(%z) {permutation=[1,0]} : f32[4,2]
  %2 = multiply(%x, %1) : f32[4,2]
  return %2 as "y"
})"},
      {"constant-broadcast", call("broadcast_to", {splat_as("c")}), reshaped_constant,
       R"(graph @example(%x: f32[4]) {
  %0 = constant() {value=2, dtype=f32, shape=[]} : f32[]
  %1 = broadcast_to(%0) {shape=[4]} : f32[4]
  return %1 as "y"
})",
       R"(graph @input(%x: f32[]) {
  %1 = broadcast_to(%x) {shape=[4]} : f32[4]
  return %1 as "y"
})"},
  };
}

std::vector<Rule> product_rules() {
  return {
      {"flatten-rows", call("matmul", {any("a"), any("b")}), flatten_rows,
       R"(graph @example(%a: f32[N,5,3], %b: f32[3,4]) {
  %0 = matmul(%a, %b) : f32[N,5,4]
  return %0 as "y"
})",
       R"(graph @batched(%a: f32[N,5,3], %b: f32[N,3,4]) {
  %0 = matmul(%a, %b) : f32[N,5,4]
  return %0 as "y"
})"},
      {"sink-reshape", each(""), sink_reshape,
       R"(graph @example(%x: f32[N,5,2,4], %b: f32[4]) {
  %0 = reshape(%x) {shape=[N,10,4]} : f32[N,10,4]
  %1 = add(%0, %b) : f32[N,10,4]
  %2 = relu(%1) : f32[N,10,4]
  return %2 as "y"
})",
       R"(graph @other_axis(%x: f32[N,5,2,4], %b: f32[10,1]) {
  %0 = reshape(%x) {shape=[N,10,4]} : f32[N,10,4]
  %1 = add(%0, %b) : f32[N,10,4]
  return %1 as "y"
})"},
  };
}

}  // namespace

std::span<const Rule> canonical_rules() {
  static const auto* rules = [] {
    auto* all = new std::vector<Rule>(arithmetic_rules());
    for (auto family : {shape_rules, product_rules}) {
      for (Rule& rule : family()) all->push_back(std::move(rule));
    }
    return all;
  }();
  return *rules;
}

absl::Status canonicalize(Graph& graph, const PassOptions&) {
  return for_each_region(graph, [](Graph& region) { return apply_rules(region, canonical_rules()).status(); });
}

}  // namespace mica::ir
