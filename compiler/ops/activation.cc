// Activation functions: composites over arithmetic, with Keras' and PyTorch's conventions at the kinks.
#include <cmath>
#include <numbers>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

// An elementwise composite of one float operand.
Op activation(std::string_view name) {
  Op op(name);
  op.input("x", "float")
      .fusion(FusionClass::kElementwise)
      .infer(same_as())
      .sample({.operands = {"f32[3,5]"}, .low = -4, .high = 4})
      .sample({.operands = {"f32[N,17]"}, .low = -4, .high = 4, .bindings = {{"N", 2}}});
  return op;
}

// The function and its derivative where the derivative of the decomposition would be wrong at a kink or overflow.
using Function = Value (*)(Builder& b, Value x, const Attrs& attrs);
DecomposeFn value_of(Function f) {
  return [f](Builder& b, const Node& n) -> Values { return {f(b, n.operand(0), n.attrs())}; };
}
VjpFn slope_of(Function f) {
  return [f](Builder& b, Node& n, const Values& g) -> Values { return {g[0] * f(b, n.operand(0), n.attrs())}; };
}

Value zero_like(Builder& b, Value x) { return b.like(0, x); }
Value positive(Builder& b, Value x) { return b.gt(x, zero_like(b, x)); }
// 1 where low < x < high, else 0.
Value inside(Builder& b, Value x, double low, double high) {
  Value between = b.call("logical_and", {b.gt(x, b.like(low, x)), b.lt(x, b.like(high, x))});
  return b.cast(between, x.dtype());
}
Value clip(Builder& b, Value x, double low, double high) { return b.min(b.max(x, b.like(low, x)), b.like(high, x)); }

void add_rectifiers(Registry& r) {
  r.add(
      activation("relu")
          .doc("max(x, 0); the subgradient at 0 is 0.")
          .mirrors("keras.activations.relu")
          .decompose(value_of([](Builder& b, Value x, const Attrs&) { return b.max(x, zero_like(b, x)); }))
          // The result has the sign of x: so x itself need not be kept, and a library may apply relu to its own result.
          .vjp([](Builder& b, Node& n, const Values& g) -> Values {
            return {b.where(positive(b, n.result()), g[0], zero_like(b, g[0]))};
          })
          .fixture("torch:relu"));
  r.add(activation("relu6")
            .doc("x clipped to [0, 6]; no gradient at the bounds.")
            .mirrors("keras.activations.relu6")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return clip(b, x, 0, 6); }))
            .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {g[0] * inside(b, n.result(), 0, 6)}; })
            .fixture("torch:relu6"));
  r.add(Op("clip")
            .input("x", "float")
            .fusion(FusionClass::kElementwise)
            .infer(same_as())
            .sample({.operands = {"f32[N,17]"}, .attrs = {{"low", -0.5}, {"high", 0.75}}, .bindings = {{"N", 2}}})
            .doc("x clipped to [low, high]; the bounds pass the gradient.")
            .mirrors("keras.ops.clip")
            .required_attr("low", 0.0, "the least value")
            .required_attr("high", 0.0, "the largest value")
            .decompose(value_of(
                [](Builder& b, Value x, const Attrs& a) { return clip(b, x, a.number("low"), a.number("high")); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs& a) {
              Value above = b.ge(x, b.like(a.number("low"), x)), below = b.le(x, b.like(a.number("high"), x));
              return b.cast(b.call("logical_and", {above, below}), x.dtype());
            }))
            .fixture("torch:t_clamp"));
  r.add(activation("leaky_relu")
            .doc("x, or negative_slope * x where x is not positive.")
            .mirrors("keras.activations.leaky_relu")
            .attr("negative_slope", 0.2, "the slope at and below 0")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              return b.where(positive(b, x), x, x * a.number("negative_slope"));
            }))
            .fixture("torch:leaky_relu_slope"));
  r.add(activation("threshold")
            .doc("x where it exceeds the threshold, else a value.")
            .mirrors("keras.activations.threshold")
            .attr("threshold", 0.0, "")
            .attr("value", 0.0, "the result at and below the threshold")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              return b.where(b.gt(x, b.like(a.number("threshold"), x)), x, b.like(a.number("value"), x));
            }))
            .fixture("torch:threshold"));
  r.add(activation("hard_shrink")
            .doc("x where |x| exceeds lambda, else 0.")
            .mirrors("keras.activations.hard_shrink")
            .attr("lambda", 0.5, "half the width of the gap")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              return b.where(b.le(b.abs(x), b.like(a.number("lambda"), x)), zero_like(b, x), x);
            }))
            .fixture("torch:hardshrink"));
  r.add(activation("soft_shrink")
            .doc("x moved toward 0 by lambda, 0 where |x| is at most lambda.")
            .mirrors("keras.activations.soft_shrink")
            .attr("lambda", 0.5, "how far")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              Value shift = b.like(a.number("lambda"), x);
              return b.where(b.gt(x, shift), x - shift, b.where(b.lt(x, -shift), x + shift, x * 0.0));
            }))
            .fixture("torch:softshrink"));
}

void add_piecewise(Registry& r) {
  r.add(activation("hard_tanh")
            .doc("x clipped to [low, high]; no gradient at the bounds.")
            .mirrors("keras.activations.hard_tanh")
            .attr("low", -1.0, "the least value")
            .attr("high", 1.0, "the largest value")
            .decompose(value_of(
                [](Builder& b, Value x, const Attrs& a) { return clip(b, x, a.number("low"), a.number("high")); }))
            .vjp(slope_of(
                [](Builder& b, Value x, const Attrs& a) { return inside(b, x, a.number("low"), a.number("high")); }))
            .fixture("torch:hardtanh"));
  r.add(activation("hard_sigmoid")
            .doc("x / 6 + 1/2 clipped to [0, 1]; no gradient at the bounds.")
            .mirrors("keras.activations.hard_sigmoid")
            .attr("slope", 1.0 / 6, "the gradient between the bounds")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return clip(b, x / 6.0 + 0.5, 0, 1); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs& a) { return inside(b, x, -3, 3) * a.number("slope"); }))
            .fixture("torch:hardsigmoid"));
  r.add(activation("hard_silu")
            .doc("x * hard_sigmoid(x); the slope is 0 at -3 and 1 at 3.")
            .mirrors("keras.activations.hard_silu")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return x * b.unary("hard_sigmoid", x); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs&) {
              Value middle = x / 3.0 + 0.5;
              Value high = b.where(b.lt(x, b.like(3, x)), middle, b.like(1, x));
              return b.where(b.gt(x, b.like(-3, x)), high, zero_like(b, x));
            }))
            .fixture("torch:hardswish"));
  r.add(activation("sparse_plus")
            .doc("0 up to -1, x from 1 on, (x + 1)^2 / 4 between.")
            .mirrors("keras.activations.sparse_plus")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) {
              Value between = b.unary("square", x + 1.0) * 0.25;
              Value low = b.where(b.gt(x, b.like(-1, x)), between, zero_like(b, x));
              return b.where(b.lt(x, b.like(1, x)), low, x);
            }))
            .fixture("keras:activation_sparse_plus"));
  r.add(activation("sparse_sigmoid")
            .doc("(x + 1) / 2 clipped to [0, 1].")
            .mirrors("keras.activations.sparse_sigmoid")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return clip(b, (x + 1.0) * 0.5, 0, 1); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs&) { return inside(b, x, -1, 1) * 0.5; }))
            .fixture("keras:activation_sparse_sigmoid"));
}

// log(1 + exp(x)) without overflow.
Value softplus(Builder& b, Value x) { return b.max(x, zero_like(b, x)) + b.log1p(b.exp(-b.abs(x))); }

void add_sigmoids(Registry& r) {
  r.add(activation("sigmoid")
            .doc("1 / (1 + exp(-x)).")
            .mirrors("keras.activations.sigmoid")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return 1.0 / (1.0 + b.exp(-x)); }))
            .vjp([](Builder&, Node& n, const Values& g) -> Values {
              Value y = n.result();
              return {g[0] * y * (1.0 - y)};
            })
            .fixture("torch:sigmoid"));
  r.add(activation("log_sigmoid")
            .doc("log(sigmoid(x)) without overflow.")
            .mirrors("keras.activations.log_sigmoid")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return -b.unary("softplus", -x); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs&) { return b.sigmoid(-x); }))
            .fixture("torch:logsigmoid"));
  r.add(activation("softplus")
            .doc("log(1 + exp(x)) without overflow.")
            .mirrors("keras.activations.softplus")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return softplus(b, x); }))
            .vjp(slope_of([](Builder& b, Value x, const Attrs&) { return b.sigmoid(x); }))
            .fixture("torch:softplus"));
  r.add(activation("softsign")
            .doc("x / (1 + |x|).")
            .mirrors("keras.activations.softsign")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return x / (1.0 + b.abs(x)); }))
            .fixture("torch:softsign"));
  r.add(activation("squareplus")
            .doc("(x + sqrt(x^2 + b)) / 2.")
            .mirrors("keras.activations.squareplus")
            .attr("b", 4.0, "how smooth the bend at 0 is")
            .decompose(
                value_of([](Builder& b, Value x, const Attrs& a) { return (x + b.sqrt(x * x + a.number("b"))) * 0.5; }))
            .fixture("keras:activation_squareplus"));
  r.add(activation("tanh_shrink")
            .doc("x - tanh(x).")
            .mirrors("keras.activations.tanh_shrink")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return x - b.tanh(x); }))
            .fixture("torch:tanhshrink"));
}

void add_gated(Registry& r) {
  r.add(activation("silu")
            .doc("x * sigmoid(x), also called swish.")
            .mirrors("keras.activations.silu")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return x * b.sigmoid(x); }))
            .fixture("torch:silu"));
  r.add(activation("mish")
            .doc("x * tanh(softplus(x)).")
            .mirrors("keras.activations.mish")
            .decompose(value_of([](Builder& b, Value x, const Attrs&) { return x * b.tanh(b.unary("softplus", x)); }))
            .fixture("torch:mish"));
  r.add(activation("gelu")
            .doc("Gaussian error linear unit: x times the normal distribution function of x.")
            .mirrors("keras.activations.gelu")
            .attr("approximate", false, "use the form with tanh")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              const double scale = std::sqrt(2 / std::numbers::pi), half = std::sqrt(0.5);
              if (!a.flag("approximate")) return 0.5 * x * (1.0 + b.erf(x * half));
              return 0.5 * x * (1.0 + b.tanh(scale * (x + 0.044715 * (x * x * x))));
            }))
            .sample({.operands = {"f32[19]"}, .attrs = {{"approximate", true}}})
            .fixture("torch:gelu"));
}

// scale * x above 0, scale * alpha * (exp(x / width) - 1) below. The argument of expm1 is kept at or below 0, so that
// the branch that is not taken does not overflow into the gradient.
Value exponential_unit(Builder& b, Value x, double scale, double alpha, double width) {
  Value below = b.min(x, zero_like(b, x)) / width;
  return b.where(positive(b, x), x * scale, b.unary("expm1", below) * (scale * alpha));
}
VjpFn exponential_unit_vjp(double (*scale)(const Attrs&), double (*alpha)(const Attrs&),
                           double (*width)(const Attrs&)) {
  return [=](Builder& b, Node& n, const Values& g) -> Values {
    Value x = n.operand(0);
    const Attrs& a = n.attrs();
    Value below = b.exp(b.min(x, zero_like(b, x)) / width(a)) * (scale(a) * alpha(a) / width(a));
    return {g[0] * b.where(positive(b, x), b.like(scale(a), x), below)};
  };
}
double one(const Attrs&) { return 1; }
double alpha_of(const Attrs& a) { return a.number("alpha"); }
double selu_scale(const Attrs&) { return 1.0507009873554804934193349852946; }
double selu_alpha(const Attrs&) { return 1.6732632423543772848170429916717; }

void add_exponential(Registry& r) {
  r.add(activation("elu")
            .doc("x above 0, alpha * (exp(x) - 1) below.")
            .mirrors("keras.activations.elu")
            .attr("alpha", 1.0, "minus the limit at minus infinity")
            .decompose(
                value_of([](Builder& b, Value x, const Attrs& a) { return exponential_unit(b, x, 1, alpha_of(a), 1); }))
            .vjp(exponential_unit_vjp(one, alpha_of, one))
            .fixture("torch:elu"));
  r.add(activation("celu")
            .doc("x above 0, alpha * (exp(x / alpha) - 1) below.")
            .mirrors("keras.activations.celu")
            .attr("alpha", 1.0, "minus the limit at minus infinity")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              return exponential_unit(b, x, 1, alpha_of(a), alpha_of(a));
            }))
            .vjp(exponential_unit_vjp(one, alpha_of, alpha_of))
            .fixture("torch:celu"));
  r.add(activation("selu")
            .doc("elu with the scale and alpha that keep mean 0 and variance 1.")
            .mirrors("keras.activations.selu")
            .decompose(value_of([](Builder& b, Value x, const Attrs& a) {
              return exponential_unit(b, x, selu_scale(a), selu_alpha(a), 1);
            }))
            .vjp(exponential_unit_vjp(selu_scale, selu_alpha, one))
            .fixture("torch:selu"));
}

}  // namespace

void add_activation_ops(Registry& r) {
  add_rectifiers(r);
  add_piecewise(r);
  add_sigmoids(r);
  add_gated(r);
  add_exponential(r);
}

}  // namespace mica::ir
