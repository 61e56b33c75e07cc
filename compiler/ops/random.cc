// Random numbers: Philox4x32-10 of (seed, counter, element), so that a value depends on no schedule, thread count or
// device; and dropout.
#include <algorithm>

#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;
using loop::ScalarOp;
using loop::StmtRef;

// The constants of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

// One block: the counter is (element, draw), the key is the seed. The first of its four words is the element's number.
std::uint32_t philox(std::uint64_t seed, std::uint64_t draw, std::uint64_t element) {
  auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint32_t c[4] = {low(element), high(element), low(draw), high(draw)};
  std::uint32_t key0 = low(seed), key1 = high(seed);
  for (int round = 0; round < kRounds; ++round) {
    std::uint64_t a = std::uint64_t{kMultiplier0} * c[0], b = std::uint64_t{kMultiplier1} * c[2];
    std::uint32_t next[4] = {high(b) ^ c[1] ^ key0, low(b), high(a) ^ c[3] ^ key1, low(a)};
    std::copy(next, next + 4, c);
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return c[0];
}

absl::StatusOr<Types> infer_random_bits(const InferContext& c) {
  const TensorType state{kInt64, {Dim(2)}};
  if (c.operand(0) != state)
    return expected("a state " + state.to_string() + " of seed and counter", c.operand(0).to_string());
  return Types{{kUInt32, c.attrs.get<Dims>("shape")}};
}

loop::Kernel random_bits_kernel(const Node& node) {
  KernelBuilder k(node);
  auto word = [](const Expr& x, int shift) {
    return loop::cast(shift == 0 ? x : loop::op(ScalarOp::k_shr, {x, loop::integer(shift)}), kUInt32);
  };
  auto exclusive_or = [](const Expr& a, const Expr& b) { return loop::op(ScalarOp::k_bit_xor, {a, b}); };
  auto u32 = [](std::uint32_t value) { return loop::integer(value, kUInt32); };
  return k.elements(0, [&](const Exprs& index) -> std::vector<StmtRef> {
    Expr element = index[0];
    Expr seed = k.let("seed", loop::load(k.param(0), {loop::integer(0)}));
    Expr draw = k.let("draw", loop::load(k.param(0), {loop::integer(1)}));
    Exprs c = {word(element, 0), word(element, 32), word(draw, 0), word(draw, 32)};
    Expr key0 = k.let("key", word(seed, 0)), key1 = k.let("key", word(seed, 32));
    for (int round = 0; round < kRounds; ++round) {
      for (Expr& part : c) part = k.let("c", part);
      auto product_high = [&](std::uint32_t m, const Expr& x) { return loop::op(ScalarOp::k_mul_high, {u32(m), x}); };
      Expr offset0 = key0 + u32(kWeyl0 * static_cast<std::uint32_t>(round));
      Expr offset1 = key1 + u32(kWeyl1 * static_cast<std::uint32_t>(round));
      c = {exclusive_or(exclusive_or(product_high(kMultiplier1, c[2]), c[1]), offset0), u32(kMultiplier1) * c[2],
           exclusive_or(exclusive_or(product_high(kMultiplier0, c[0]), c[3]), offset1), u32(kMultiplier0) * c[0]};
    }
    return {loop::store(k.result(0), index, c[0])};
  });
}

Op draw(std::string_view name) {
  Op op(name);
  op.input("state", "int", "i64[2]: the seed, and the number of the draw").not_differentiable("random numbers");
  return op;
}

// 24 random bits scaled into [0, 1).
Value uniform(Builder& b, Value state, const Dims& shape, DType dtype) {
  Value bits = b.call("random_bits", {state}, {{"shape", shape}});
  return b.cast(b.call("right_shift", {bits, b.constant(8, kUInt32)}), dtype) * 0x1p-24;
}

// Box and Muller: two uniform numbers, drawn side by side, make one normal number.
Value normal(Builder& b, Value state, const Dims& shape, DType dtype) {
  constexpr double kTwoPi = 6.283185307179586;
  Dims pairs = shape;
  pairs.insert(pairs.begin(), Dim(2));
  Value u = uniform(b, state, pairs, dtype);
  auto part = [&](int i) { return b.reshape(b.slice(u, 0, i, i + 1), shape); };
  return b.sqrt(b.log1p(-part(0)) * -2.0) * b.unary("cos", part(1) * kTwoPi);
}

Values decompose_dropout(Builder& b, const Node& node) {
  Value x = node.operand(0);
  double rate = node.attrs().number("rate");
  if (rate == 0) return {x};
  if (rate >= 1) return {b.where(b.constant(1, kBool), b.like(0, x), x)};
  Dims shape = node.attrs().get<Dims>("noise_shape");
  if (shape.empty()) shape = x.dims();
  Value u = uniform(b, node.operand(1), shape, x.dtype());
  return {b.where(b.ge(u, b.like(rate, u)), x * (1 / (1 - rate)), b.like(0, x))};
}

// The same draw masks the gradient.
Values vjp_dropout(Builder& b, Node& node, const Values& grads) {
  return {b.call("dropout", {grads[0], node.operand(1)}, node.attrs()), Value{}};
}

}  // namespace

void add_random_ops(Registry& r) {
  Dim n = Dim::symbol("N");
  r.add(draw("random_bits")
            .doc("32 random bits an element: the first word of Philox4x32-10.")
            .mirrors("numpy.random.Philox")
            .required_attr("shape", Dims{}, "the dims")
            .infer(infer_random_bits)
            .kernel(random_bits_kernel)
            .reference([](const RefContext& c) {
              auto seed = static_cast<std::uint64_t>(c.operands[0]->data[0]);
              auto counter = static_cast<std::uint64_t>(c.operands[0]->data[1]);
              for (std::size_t i = 0; i < c.results[0].data.size(); ++i)
                c.results[0].data[i] = philox(seed, counter, i);
              return absl::OkStatus();
            })
            .sample({.operands = {"i64[2]:0..1000"}, .attrs = {{"shape", Dims{3, 17}}}})
            .fixture("hand: philox"));
  r.add(draw("random_uniform")
            .doc("Numbers evenly distributed over [0, 1), multiples of 2^-24.")
            .mirrors("keras.random.uniform")
            .required_attr("shape", Dims{}, "the dims")
            .attr("dtype", kFloat32, "the element type")
            .infer(type_of_attrs())
            .decompose([](Builder& b, const Node& node) -> Values {
              const TensorType& type = node.result_types()[0];
              return {uniform(b, node.operand(0), type.dims, type.dtype)};
            })
            .sample({.operands = {"i64[2]:0..1000"}, .attrs = {{"shape", Dims{3, 17}}}})
            .fixture("hand: philox"));
  r.add(draw("random_normal")
            .doc("Numbers of the standard normal distribution.")
            .mirrors("keras.random.normal")
            .required_attr("shape", Dims{}, "the dims")
            .attr("dtype", kFloat32, "the element type")
            .infer(type_of_attrs())
            .decompose([](Builder& b, const Node& node) -> Values {
              const TensorType& type = node.result_types()[0];
              return {normal(b, node.operand(0), type.dims, type.dtype)};
            })
            .sample({.operands = {"i64[2]:0..1000"}, .attrs = {{"shape", Dims{3, 17}}}})
            .fixture("hand: philox"));
  r.add(Op("dropout")
            .doc("x with elements set to 0 with probability `rate` and the others divided by 1 - rate.")
            .mirrors("keras.layers.Dropout")
            .input("x", "float")
            .input("state", "int", "i64[2]: the seed, and the number of the draw")
            .required_attr("rate", 0.0, "the probability, from 0 to 1")
            .attr("noise_shape", Dims{}, "the dims of the mask, broadcast to x; empty: those of x")
            .fusion(FusionClass::kElementwise)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              if (c.operand(1) != TensorType{kInt64, {Dim(2)}})
                return expected("a state i64[2] of seed and counter", c.operand(1).to_string());
              return Types{c.operand(0)};
            })
            .decompose(decompose_dropout)
            .vjp(vjp_dropout)
            .sample({.operands = {"f32[3,17]", "i64[2]:0..1000"}, .attrs = {{"rate", 0.4}}})
            .sample({.operands = {"f32[2,3,4]", "i64[2]:0..1000"},
                     .attrs = {{"rate", 0.5}, {"noise_shape", Dims{2, 1, 4}}}})
            .sample({.operands = {"f32[5]", "i64[2]:0..9"}, .attrs = {{"rate", 1.0}}})
            .fixture("torch:dropout_p1"));
}

}  // namespace mica::ir
