// Activation functions: composites over arithmetic, with Keras' and PyTorch's conventions at the kinks.
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

// An elementwise composite of one float operand.
Op activation(std::string_view name) {
  Op op(name);
  op.input("x", "float").fusion(FusionClass::kElementwise).infer(same_as());
  return op;
}

void add_rectifiers(Registry& r) {
  r.add(
      activation("relu")
          .doc("max(x, 0); the subgradient at 0 is 0.")
          .mirrors("keras.activations.relu")
          .decompose([](Builder& b, const Node& n) -> Values { return {b.max(n.operand(0), b.like(0, n.operand(0)))}; })
          .vjp([](Builder& b, Node& n, const Values& g) -> Values {
            Value zero = b.like(0, g[0]);
            return {b.where(b.gt(n.operand(0), zero), g[0], zero)};
          })
          .sample({.operands = {"f32[3,5]"}})
          .sample({.operands = {"f32[N,17]"}, .bindings = {{"N", 2}}})
          .fixture("torch:relu"));
}

}  // namespace

void add_activation_ops(Registry& r) { add_rectifiers(r); }

}  // namespace mica::ir
