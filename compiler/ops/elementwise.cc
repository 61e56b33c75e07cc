// Arithmetic, comparisons, bits, selection and conversion: element i of the result needs element i of the operands.
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::ScalarOp;

// Two broadcast operands of one dtype.
Op binary(std::string_view name, ScalarOp scalar, std::string_view dtypes) {
  Op op(name);
  op.input("a", dtypes).input("b", dtypes).elementwise(scalar);
  return op;
}

void sample_floats(Op& op, double low, double high) {
  op.sample({.operands = {"f32[3,5]", "f32[3,5]"}, .low = low, .high = high})
      .sample({.operands = {"f32[4,1,17]", "f32[3,1]"}, .low = low, .high = high})
      .sample({.operands = {"f32[N,5]", "f32[5]"}, .low = low, .high = high, .bindings = {{"N", 3}}})
      .sample({.operands = {"f32[]", "f32[0,4]"}, .low = low, .high = high});
}

Op arithmetic(std::string_view name, ScalarOp scalar, std::string_view dtypes, double low = -2, double high = 2) {
  Op op = binary(name, scalar, dtypes);
  sample_floats(op, low, high);
  if (dtypes == "number") op.sample({.operands = {"i32[2,9]:-7..7", "i32[9]:1..5"}});
  return op;
}

Op comparison(std::string_view name, ScalarOp scalar, std::string_view dtypes = "number") {
  Op op = binary(name, scalar, dtypes);
  sample_floats(op, -2, 2);
  op.sample({.operands = {"i32[33]:-2..2", "i32[33]:-2..2"}}).not_differentiable("boolean result");
  return op;
}

Op bitwise(std::string_view name, ScalarOp scalar) {
  Op op = binary(name, scalar, "int");
  op.sample({.operands = {"i32[3,5]:-90..90", "i32[5]:0..7"}})
      .sample({.operands = {"u8[19]:0..255", "u8[19]:0..7"}})
      .not_differentiable("integer result");
  return op;
}

Op logical(std::string_view name, ScalarOp scalar) {
  Op op = binary(name, scalar, "bool");
  op.sample({.operands = {"bool[3,5]", "bool[5]"}})
      .sample({.operands = {"bool[N]", "bool[N]"}, .bindings = {{"N", 19}}})
      .not_differentiable("boolean result");
  return op;
}

// maximum and minimum: the gradient goes to the operand that was taken, half to each on a tie.
Values vjp_extremum(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), y = node.operand(1), taken = node.result(), g = grads[0];
  Value zero = b.like(0, g), share = b.where(b.eq(x, y), g * 0.5, g);
  return {b.where(b.eq(x, taken), share, zero), b.where(b.eq(y, taken), share, zero)};
}

Values vjp_pow(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), y = node.operand(1), g = grads[0], zero = b.like(0, g);
  Value dx = b.where(b.eq(y, b.like(0, y)), zero, g * y * b.pow(x, y - 1.0));
  Value dy = b.where(b.eq(x, b.like(0, x)), zero, g * node.result() * b.log(x));
  return {dx, dy};
}

void add_arithmetic(Registry& r) {
  r.add(arithmetic("add", ScalarOp::k_add, "number")
            .doc("Sum a + b.")
            .mirrors("keras.ops.add")
            .vjp([](Builder&, Node&, const Values& g) -> Values { return {g[0], g[0]}; })
            .fixture("torch:t_add"));
  r.add(arithmetic("subtract", ScalarOp::k_sub, "number")
            .doc("Difference a - b.")
            .mirrors("keras.ops.subtract")
            .vjp([](Builder&, Node&, const Values& g) -> Values { return {g[0], -g[0]}; })
            .fixture("torch:t_sub"));
  r.add(
      arithmetic("multiply", ScalarOp::k_mul, "number")
          .doc("Product a * b.")
          .mirrors("keras.ops.multiply")
          .vjp([](Builder&, Node& n, const Values& g) -> Values { return {g[0] * n.operand(1), g[0] * n.operand(0)}; })
          .fixture("torch:t_mul"));
  r.add(arithmetic("divide", ScalarOp::k_div, "float", 0.5)
            .doc("Quotient a / b.")
            .mirrors("keras.ops.divide")
            .vjp([](Builder&, Node& n, const Values& g) -> Values {
              Value da = g[0] / n.operand(1);
              return {da, -(da * n.result())};
            })
            .fixture("torch:t_div"));
  r.add(arithmetic("floor_divide", ScalarOp::k_floor_div, "number", 0.5)
            .doc("Quotient rounded toward minus infinity; an integer division by zero gives 0.")
            .mirrors("keras.ops.floor_divide")
            .vjp([](Builder&, Node&, const Values&) -> Values { return {Value{}, Value{}}; })
            .fixture("torch:t_div_floor"));
  r.add(arithmetic("mod", ScalarOp::k_mod, "number", 0.6, 1.9)
            .doc("Remainder of floor_divide, with the sign of b.")
            .mirrors("keras.ops.mod")
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {g[0], -(g[0] * b.call("floor_divide", n.operands()))};
            })
            .fixture("torch:t_remainder"));
  r.add(arithmetic("fmod", ScalarOp::k_fmod, "number", 0.6, 1.9)
            .doc("Remainder of the quotient truncated toward zero, with the sign of a.")
            .mirrors("torch.fmod")
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              return {g[0], -(g[0] * b.unary("trunc", n.operand(0) / n.operand(1)))};
            })
            .fixture("torch:t_fmod"));
  r.add(arithmetic("maximum", ScalarOp::k_max, "number")
            .doc("The larger of a and b; NaN when one is NaN. A tie gives half of the gradient to each.")
            .mirrors("keras.ops.maximum")
            .vjp(vjp_extremum)
            .fixture("torch:t_maximum"));
  r.add(arithmetic("minimum", ScalarOp::k_min, "number")
            .doc("The smaller of a and b; NaN when one is NaN. A tie gives half of the gradient to each.")
            .mirrors("keras.ops.minimum")
            .vjp(vjp_extremum)
            .fixture("torch:t_minimum"));
  r.add(arithmetic("pow", ScalarOp::k_pow, "float", 0.5)
            .doc("a to the power of b.")
            .mirrors("keras.ops.power")
            .vjp(vjp_pow)
            .fixture("torch:t_pow_tensor"));
  r.add(arithmetic("arctan2", ScalarOp::k_atan2, "float", 0.5)
            .doc("The angle of the point (b, a), in (-pi, pi].")
            .mirrors("keras.ops.arctan2")
            .vjp([](Builder&, Node& n, const Values& g) -> Values {
              Value y = n.operand(0), x = n.operand(1), scale = g[0] / (x * x + y * y);
              return {scale * x, -(scale * y)};
            })
            .fixture("torch:t_atan2"));
  Op logaddexp("logaddexp");
  sample_floats(logaddexp.input("a", "float").input("b", "float"), -9, 9);
  r.add(logaddexp.doc("log(exp(a) + exp(b)) without overflow.")
            .mirrors("keras.ops.logaddexp")
            .fusion(FusionClass::kElementwise)
            .infer(broadcast_of_operands())
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0), y = n.operand(1);
              return {b.max(x, y) + b.log1p(b.exp(-b.abs(x - y)))};
            })
            .fixture("torch:t_logaddexp"));
}

void add_comparisons(Registry& r) {
  r.add(comparison("equal", ScalarOp::k_eq, "any").doc("a == b.").mirrors("keras.ops.equal").fixture("torch:t_eq"));
  r.add(comparison("not_equal", ScalarOp::k_ne, "any")
            .doc("a != b; true when one is NaN.")
            .mirrors("keras.ops.not_equal")
            .fixture("torch:t_ne"));
  r.add(comparison("less", ScalarOp::k_lt).doc("a < b.").mirrors("keras.ops.less").fixture("torch:t_lt"));
  r.add(comparison("less_equal", ScalarOp::k_le).doc("a <= b.").mirrors("keras.ops.less_equal").fixture("torch:t_le"));
  r.add(comparison("greater", ScalarOp::k_gt).doc("a > b.").mirrors("keras.ops.greater").fixture("torch:t_gt"));
  r.add(comparison("greater_equal", ScalarOp::k_ge)
            .doc("a >= b.")
            .mirrors("keras.ops.greater_equal")
            .fixture("torch:t_ge"));
  r.add(Op("isnan")
            .doc("True where x is not a number.")
            .mirrors("keras.ops.isnan")
            .input("x", "float")
            .elementwise(ScalarOp::k_is_nan)
            .not_differentiable("boolean result")
            .sample({.operands = {"f32[3,5]"}})
            .fixture("torch:t_isnan"));
  r.add(Op("isinf")
            .doc("True where x is plus or minus infinity.")
            .mirrors("keras.ops.isinf")
            .input("x", "float")
            .elementwise(ScalarOp::k_is_inf)
            .not_differentiable("boolean result")
            .sample({.operands = {"f32[3,5]"}})
            .fixture("torch:t_isinf"));
}

void add_bits(Registry& r) {
  r.add(logical("logical_and", ScalarOp::k_bit_and)
            .doc("True where both are.")
            .mirrors("keras.ops.logical_and")
            .fixture("torch:t_logical_and"));
  r.add(logical("logical_or", ScalarOp::k_bit_or)
            .doc("True where one is.")
            .mirrors("keras.ops.logical_or")
            .fixture("torch:t_logical_or"));
  r.add(logical("logical_xor", ScalarOp::k_bit_xor)
            .doc("True where exactly one is.")
            .mirrors("keras.ops.logical_xor")
            .fixture("torch:t_logical_xor"));
  r.add(Op("logical_not")
            .doc("True where x is false.")
            .mirrors("keras.ops.logical_not")
            .input("x", "bool")
            .elementwise(ScalarOp::k_bit_not)
            .not_differentiable("boolean result")
            .sample({.operands = {"bool[3,5]"}})
            .fixture("torch:t_logical_not"));
  r.add(bitwise("bitwise_and", ScalarOp::k_bit_and)
            .doc("The bits set in both.")
            .mirrors("keras.ops.bitwise_and")
            .fixture("hand: bits"));
  r.add(bitwise("bitwise_or", ScalarOp::k_bit_or)
            .doc("The bits set in one or both.")
            .mirrors("keras.ops.bitwise_or")
            .fixture("hand: bits"));
  r.add(bitwise("bitwise_xor", ScalarOp::k_bit_xor)
            .doc("The bits set in exactly one.")
            .mirrors("keras.ops.bitwise_xor")
            .fixture("hand: bits"));
  r.add(Op("bitwise_not")
            .doc("All bits inverted.")
            .mirrors("keras.ops.bitwise_not")
            .input("x", "int")
            .elementwise(ScalarOp::k_bit_not)
            .not_differentiable("integer result")
            .sample({.operands = {"i32[3,5]:-90..90"}})
            .sample({.operands = {"u8[19]:0..255"}})
            .fixture("hand: bits"));
  r.add(bitwise("left_shift", ScalarOp::k_shl)
            .doc("a shifted left by b bits.")
            .mirrors("keras.ops.left_shift")
            .fixture("hand: bits"));
  r.add(bitwise("right_shift", ScalarOp::k_shr)
            .doc("a shifted right by b bits; signed integers keep their sign.")
            .mirrors("keras.ops.right_shift")
            .fixture("hand: bits"));
}

void add_selection(Registry& r) {
  r.add(Op("where")
            .doc("a where the condition holds, else b.")
            .mirrors("keras.ops.where")
            .input("condition", "bool")
            .input("a", "any")
            .input("b", "any")
            .elementwise(ScalarOp::k_select)
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Value zero = b.like(0, g[0]);
              return {Value{}, b.where(n.operand(0), g[0], zero), b.where(n.operand(0), zero, g[0])};
            })
            .sample({.operands = {"bool[3,5]", "f32[3,5]", "f32[3,5]"}})
            .sample({.operands = {"bool[N,1]", "f32[5]", "f32[]"}, .bindings = {{"N", 3}}})
            .sample({.operands = {"bool[19]", "i32[19]:-9..9", "i32[]:0..3"}})
            .fixture("torch:t_where"));
  r.add(Op("stop_gradient")
            .doc("x, as a constant to differentiation.")
            .mirrors("keras.ops.stop_gradient")
            .input("x", "any")
            .fusion(FusionClass::kElementwise)
            .infer(same_as())
            .define([](const DefineContext& c, int, const loop::Exprs& index) { return c.read(0, index); })
            .reference(
                each_element([](const RefContext& c, const Ints& index) { return element(*c.operands[0], index); }))
            .vjp([](Builder&, Node&, const Values&) -> Values { return {Value{}}; })
            .sample({.operands = {"f32[3,5]"}, .gradient = false})
            .fixture("torch:stop_gradient"));
  r.add(Op("cast")
            .doc("x with another element type. A float becomes an integer by truncation toward zero and saturates, NaN "
                 "gives 0; anything but 0 becomes true.")
            .mirrors("keras.ops.cast")
            .input("x", "any")
            .required_attr("dtype", kFloat32, "the element type of the result")
            .fusion(FusionClass::kElementwise)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              return Types{{c.attrs.get<DType>("dtype"), c.operand(0).dims}};
            })
            .define([](const DefineContext& c, int, const loop::Exprs& index) {
              return loop::cast(c.read(0, index), c.results[0].dtype);
            })
            .reference(each_element([](const RefContext& c, const Ints& index) {
              return convert(element(*c.operands[0], index), c.operands[0]->dtype, c.results[0].dtype);
            }))
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Value x = n.operand(0);
              return {x.dtype().is_floating() && g[0].dtype().is_floating() ? b.cast(g[0], x.dtype()) : Value{}};
            })
            .sample({.operands = {"f32[3,5]"}, .attrs = {{"dtype", kFloat64}}})
            .sample({.operands = {"f32[19]"}, .attrs = {{"dtype", kInt32}}, .low = -9, .high = 9, .gradient = false})
            .sample({.operands = {"i32[N]:-9..9"}, .attrs = {{"dtype", kFloat32}}, .bindings = {{"N", 5}}})
            .sample({.operands = {"i32[7]:-1..1"}, .attrs = {{"dtype", kBool}}})
            .sample({.operands = {"bool[7]"}, .attrs = {{"dtype", kFloat32}}})
            .fixture("hand: cast"));
}

}  // namespace

void add_elementwise_ops(Registry& r) {
  add_arithmetic(r);
  add_comparisons(r);
  add_bits(r);
  add_selection(r);
}

}  // namespace mica::ir
