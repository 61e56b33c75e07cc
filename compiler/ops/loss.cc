// Losses an element or a row at a time; means, weights and masks are ordinary arithmetic around them. Cross entropies
// take logits and keep the gradient probabilities - target, which neither overflows nor cancels.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

Ints axis_list(const Node& node) { return {axis_of(node.attrs(), node.operand(0).rank())}; }

// A gradient of the reduced dims beside x.
Value beside(Builder& b, const Node& node, Value g) {
  return b.expand_dims(g, axis_of(node.attrs(), node.operand(0).rank()));
}

Value as_index(Builder& b, const Node& node) { return beside(b, node, node.operand(1)); }

Attrs label_attrs(const Node& node) {
  return {{"axis", node.attrs().integer("axis")}, {"called", node.attrs().text("called")}};
}

absl::StatusOr<Types> infer_sparse(const InferContext& c) {
  absl::StatusOr<Dims> dims = reduced_dims(c.operand(0), {c.attrs.integer("axis")}, false);
  if (dims.ok() && *dims != c.operand(1).dims) {
    return expected("labels " + to_string(*dims) + " for logits " + c.operand(0).to_string(), c.operand(1).to_string());
  }
  return one_result(c.operand(0).dtype, std::move(dims));
}

absl::StatusOr<Types> infer_categorical(const InferContext& c) {
  if (c.operand(0) != c.operand(1)) {
    return expected("a target of type " + c.operand(0).to_string(), c.operand(1).to_string());
  }
  return one_result(c.operand(0).dtype, reduced_dims(c.operand(0), {c.attrs.integer("axis")}, false));
}

void add_cross_entropies(Registry& r) {
  r.add(Op("sparse_categorical_crossentropy")
            .doc("-log(softmax(logits)[label]) along an axis. A label out of range is reported.")
            .mirrors("keras.ops.sparse_categorical_crossentropy(from_logits=True)")
            .input("logits", "float")
            .input("labels", "int", "of the dims of the logits without the axis")
            .attr("axis", std::int64_t{-1}, "the axis of the classes")
            .attr("called", std::string("labels"), "what the labels are to the user: the word of the error")
            .fusion(FusionClass::kReduction)
            .infer(infer_sparse)
            .decompose([](Builder& b, const Node& n) -> Values {
              Value logit = b.call("gather_elements", {n.operand(0), as_index(b, n)}, label_attrs(n));
              Value loss = b.reduce("logsumexp", n.operand(0), axis_list(n), true) - logit;
              return {b.reshape(loss, n.result_types()[0].dims)};
            })
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Attrs axis = {{"axis", n.attrs().integer("axis")}};
              Value probabilities = b.call("softmax", {n.operand(0)}, axis), scale = beside(b, n, g[0]);
              Value at_label =
                  b.call("scatter_elements_add", {b.full_like(0, n.operand(0)), as_index(b, n), scale}, label_attrs(n));
              return {probabilities * scale - at_label, Value{}};
            })
            .sample({.operands = {"f32[3,5]", "i32[3]:0..4"}})
            .sample({.operands = {"f32[2,4,N]", "i64[2,N]:0..3"},
                     .attrs = {{"axis", std::int64_t{1}}},
                     .bindings = {{"N", 3}}})
            .fixture("torch:cross_entropy_none"));
  r.add(
      Op("categorical_crossentropy")
          .doc("-sum(target * log(softmax(logits))) along an axis.")
          .mirrors("keras.ops.categorical_crossentropy(from_logits=True)")
          .input("logits", "float")
          .input("target", "float", "probabilities of the classes")
          .attr("axis", std::int64_t{-1}, "the axis of the classes")
          .fusion(FusionClass::kReduction)
          .infer(infer_categorical)
          .decompose([](Builder& b, const Node& n) -> Values {
            Value log_probabilities = b.call("log_softmax", {n.operand(0)}, {{"axis", n.attrs().integer("axis")}});
            return {-b.sum(n.operand(1) * log_probabilities, axis_list(n))};
          })
          .vjp([](Builder& b, Node& n, const Values& g) -> Values {
            Attrs axis = {{"axis", n.attrs().integer("axis")}};
            Value logits = n.operand(0), target = n.operand(1), scale = beside(b, n, g[0]);
            Value total = b.sum(target, axis_list(n), true);
            return {scale * (b.call("softmax", {logits}, axis) * total - target),
                    -(scale * b.call("log_softmax", {logits}, axis))};
          })
          .sample({.operands = {"f32[3,5]", "f32[3,5]"}})
          .sample(
              {.operands = {"f32[N,4,2]", "f32[N,4,2]"}, .attrs = {{"axis", std::int64_t{1}}}, .bindings = {{"N", 3}}})
          .fixture("torch:cross_entropy_prob_none"));
  r.add(Op("binary_crossentropy")
            .doc("-target * log(sigmoid(logit)) - (1 - target) * log(sigmoid(-logit)), element by element.")
            .mirrors("keras.ops.binary_crossentropy(from_logits=True)")
            .input("logits", "float")
            .input("target", "float", "probabilities")
            .fusion(FusionClass::kElementwise)
            .infer(broadcast_of_operands())
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0), t = n.operand(1);
              return {b.unary("softplus", x) - x * t};
            })
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {g[0] * (b.sigmoid(n.operand(0)) - n.operand(1)), -(g[0] * n.operand(0))};
            })
            .sample({.operands = {"f32[3,5]", "f32[3,5]"}})
            .sample({.operands = {"f32[N,17]", "f32[17]"}, .low = -90, .high = 90, .bindings = {{"N", 2}}})
            .fixture("torch:bce_logits_none"));
}

}  // namespace

void add_loss_ops(Registry& r) { add_cross_entropies(r); }

}  // namespace mica::ir
