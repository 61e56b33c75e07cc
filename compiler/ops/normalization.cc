// Normalisations: composites that end in arithmetic over reductions, with gradients that stay finite.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

Op along_axis(std::string_view name) {
  Op op(name);
  op.input("x", "float")
      .attr("axis", std::int64_t{-1}, "the axis that is normalised")
      .fusion(FusionClass::kReduction)
      .infer([](const InferContext& c) -> absl::StatusOr<Types> {
        absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), c.operand(0).rank());
        if (!axis.ok()) return axis.status();
        return Types{c.operand(0)};
      })
      .sample({.operands = {"f32[3,5]"}})
      .sample({.operands = {"f32[N,17,2]"}, .attrs = {{"axis", std::int64_t{1}}}, .bindings = {{"N", 2}}})
      .sample({.operands = {"f32[3,5]"}, .attrs = {{"axis", std::int64_t{0}}}, .low = -300, .high = 300});
  return op;
}

Ints axis_list(const Node& node) { return {axis_of(node.attrs(), node.operand(0).rank())}; }

void add_softmax(Registry& r) {
  r.add(along_axis("softmax")
            .doc("exp(x) scaled to sum 1 along an axis, without overflow.")
            .mirrors("keras.activations.softmax")
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0), e = b.exp(x - b.reduce_max(x, axis_list(n), true));
              return {e / b.sum(e, axis_list(n), true)};
            })
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Value y = n.result();
              return {y * (g[0] - b.sum(g[0] * y, axis_list(n), true))};
            })
            .fixture("torch:softmax_dim1"));
  r.add(along_axis("log_softmax")
            .doc("log(softmax(x)) along an axis, without overflow or cancellation.")
            .mirrors("keras.activations.log_softmax")
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0), shifted = x - b.reduce_max(x, axis_list(n), true);
              return {shifted - b.log(b.sum(b.exp(shifted), axis_list(n), true))};
            })
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {g[0] - b.exp(n.result()) * b.sum(g[0], axis_list(n), true)};
            })
            .fixture("torch:log_softmax_dim1"));
}

// x * scale + offset with the optional operands after the first `fixed` ones.
Value with_scale_and_offset(const Node& n, int fixed, Value x) {
  if (n.num_operands() > fixed) x = x * n.operand(fixed);
  if (n.num_operands() > fixed + 1) x = x + n.operand(fixed + 1);
  return x;
}

// Scale and offset must broadcast to x without growing it.
InferFn same_as_x_broadcasting_others() {
  return [](const InferContext& c) -> absl::StatusOr<Types> {
    for (const TensorType& operand : c.operands) {
      absl::StatusOr<Dims> dims = broadcast(c.operand(0).dims, operand.dims);
      if (!dims.ok()) return dims.status();
      if (*dims != c.operand(0).dims || operand.dtype != c.operand(0).dtype) {
        return expected("an operand that broadcasts to " + c.operand(0).to_string(), operand.to_string());
      }
    }
    return Types{c.operand(0)};
  };
}

Op normalization(std::string_view name, double epsilon) {
  Op op(name);
  op.input("x", "float").attr("epsilon", epsilon, "added to the variance").infer(same_as_x_broadcasting_others());
  return op;
}

Value standardized(Builder& b, Value x, const Ints& axes, double epsilon) {
  Value centered = x - b.mean(x, axes, true);
  return centered * b.rsqrt(b.mean(centered * centered, axes, true) + epsilon);
}

// The axes along which every operand but x is broadcast: with all others kept, the gradients of those are sums over
// them.
Ints broadcast_axes(const Node& n) {
  Ints axes;
  const int rank = n.operand(0).rank();
  for (int axis = 0; axis < rank; ++axis) {
    auto is_broadcast = [&](const Value& operand) {
      const int own = axis - (rank - operand.rank());
      return own < 0 || operand.type().dim(own).is(1);
    };
    if (std::all_of(n.operands().begin() + 1, n.operands().end(), is_broadcast)) axes.push_back(axis);
  }
  return axes;
}

// Two sums over what the small operands do not have, of dy and of dy (x - mean): all gradients follow from them, and
// x's needs no more than one pass.
Values vjp_batch_normalization(Builder& b, Node& n, const Values& grads) {
  Value dy = grads[0], x = n.operand(0), variance = n.operand(2);
  Value inverse = b.rsqrt(variance + n.attrs().number("epsilon"));
  Value slope = n.num_operands() > 3 ? n.operand(3) * inverse : inverse;
  Value centered = x - n.operand(1);
  auto folded = [&, axes = broadcast_axes(n)](Value value) { return axes.empty() ? value : b.sum(value, axes, true); };
  Value sum = folded(dy), moment = folded(dy * centered);
  Values gradients = {dy * slope, -(sum * slope), moment * slope * inverse * inverse * -0.5};
  if (n.num_operands() > 3) gradients.push_back(moment * inverse);
  if (n.num_operands() > 4) gradients.push_back(sum);
  return gradients;
}

void add_batch_normalization(Registry& r) {
  r.add(
      normalization("batch_normalization", 1e-3)
          .doc("(x - mean) / sqrt(variance + epsilon) * scale + offset with given statistics; all operands broadcast "
               "to x.")
          .mirrors("keras.ops.batch_normalization")
          .input("mean", "float")
          .input("variance", "float")
          .optional_input("scale", "float")
          .optional_input("offset", "float")
          .fusion(FusionClass::kElementwise)
          .decompose([](Builder& b, const Node& n) -> Values {
            Value inverse = b.rsqrt(n.operand(2) + n.attrs().number("epsilon"));
            return {with_scale_and_offset(n, 3, (n.operand(0) - n.operand(1)) * inverse)};
          })
          .vjp(vjp_batch_normalization)
          .sample(
              {.operands = {"f32[N,4,3]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"}, .low = 0.2, .bindings = {{"N", 2}}})
          .sample({.operands = {"f32[2,3,4]", "f32[3,1]", "f32[3,1]"}, .low = 0.2})
          .fixture("torch:batch_norm_eval"));
}

void add_row_normalization(Registry& r) {
  r.add(normalization("layer_normalization", 1e-3)
            .doc("x with mean 0 and variance 1 over `axes`, times scale, plus offset.")
            .mirrors("keras.ops.layer_normalization")
            .optional_input("scale", "float")
            .optional_input("offset", "float")
            .attr("axes", Ints{-1}, "the axes that are folded")
            .fusion(FusionClass::kReduction)
            .decompose([](Builder& b, const Node& n) -> Values {
              Ints axes = axes_of(n.attrs(), n.operand(0).rank());
              return {with_scale_and_offset(n, 1, standardized(b, n.operand(0), axes, n.attrs().number("epsilon")))};
            })
            .sample({.operands = {"f32[N,17]", "f32[17]", "f32[17]"}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[2,3,4]"}, .attrs = {{"axes", Ints{1, 2}}}})
            .fixture("torch:layer_norm"));
  r.add(normalization("rms_normalization", 1e-6)
            .doc("x / sqrt(mean(x^2) + epsilon) over `axes`, times scale.")
            .mirrors("keras.ops.rms_normalization")
            .optional_input("scale", "float")
            .attr("axes", Ints{-1}, "the axes that are folded")
            .fusion(FusionClass::kReduction)
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0), square = b.mean(x * x, axes_of(n.attrs(), x.rank()), true);
              return {with_scale_and_offset(n, 1, x * b.rsqrt(square + n.attrs().number("epsilon")))};
            })
            .sample({.operands = {"f32[N,17]", "f32[17]"}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[2,3,4]"}, .attrs = {{"axes", Ints{1, 2}}}})
            .fixture("torch:rms_norm"));
  r.add(normalization("group_normalization", 1e-3)
            .doc("The channels in groups, each with mean 0 and variance 1 over a sample; times scale, plus offset.")
            .mirrors("keras.layers.GroupNormalization")
            .optional_input("scale", "float")
            .optional_input("offset", "float")
            .required_attr("groups", std::int64_t{1}, "how many groups; it divides the channels")
            .attr("axis", Attr(std::int64_t{-1}), "the axis of the channels; axis 0 is the batch")
            .fusion(FusionClass::kReduction)
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0);
              int channels = axis_of(n.attrs(), x.rank());
              Dims grouped = x.dims();
              std::int64_t groups = n.attrs().integer("groups");
              grouped[static_cast<std::size_t>(channels)] = *Dim::exact_div(x.type().dim(channels), Dim(groups));
              grouped.insert(grouped.begin() + channels, Dim(groups));
              Ints axes;
              for (int axis = 1; axis <= x.rank(); ++axis) {
                if (axis != channels) axes.push_back(axis);
              }
              Value y = standardized(b, b.reshape(x, grouped), axes, n.attrs().number("epsilon"));
              return {with_scale_and_offset(n, 1, b.reshape(y, x.dims()))};
            })
            .sample({.operands = {"f32[2,5,6]", "f32[6]", "f32[6]"}, .attrs = {{"groups", std::int64_t{3}}}})
            .sample({.operands = {"f32[N,4,5]"},
                     .attrs = {{"groups", std::int64_t{2}}, {"axis", std::int64_t{1}}},
                     .bindings = {{"N", 2}}})
            .fixture("torch:group_norm"));
}

}  // namespace

void add_normalization_ops(Registry& r) {
  add_softmax(r);
  add_batch_normalization(r);
  add_row_normalization(r);
}

}  // namespace mica::ir
