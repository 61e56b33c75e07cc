// Operations that move elements without computing: constants, reshapes and index maps.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::Exprs;

template <class Index>
Index& at_axis(std::vector<Index>& index, int axis) {
  return index[static_cast<std::size_t>(axis)];
}
template <class Index>
const Index& at_axis(const std::vector<Index>& index, int axis) {
  return index[static_cast<std::size_t>(axis)];
}

void add_sources(Registry& r) {
  r.add(Op("constant")
            .doc("One number in every element.")
            .mirrors("keras.ops.full")
            .required_attr("value", 0.0, "the number")
            .attr("dtype", kFloat32, "the element type")
            .attr("shape", Dims{}, "the dims")
            .fusion(FusionClass::kInjective)
            .infer(type_of_attrs())
            .define([](const DefineContext& c, int, const Exprs&) {
              return loop::constant(c.attrs.number("value"), c.results[0].dtype);
            })
            .reference(each_element([](const RefContext& c, const Ints&) { return c.attrs.number("value"); }))
            .not_differentiable("no operands")
            .sample({.attrs = {{"value", 1.5}, {"shape", Dims{3, 5}}}})
            .sample({.attrs = {{"value", -2.0}, {"dtype", kInt32}}})
            .fixture("hand: constant"));
  r.add(Op("iota")
            .doc("The position along an axis, counted from 0.")
            .mirrors("keras.ops.arange")
            .required_attr("shape", Dims{}, "the dims")
            .attr("axis", std::int64_t{0}, "the axis whose position is written")
            .attr("dtype", kInt32, "the element type")
            .fusion(FusionClass::kInjective)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              const Dims& shape = c.attrs.get<Dims>("shape");
              absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), static_cast<int>(shape.size()));
              if (!axis.ok()) return axis.status();
              return Types{{c.attrs.get<DType>("dtype"), shape}};
            })
            .define([](const DefineContext& c, int, const Exprs& index) {
              return loop::cast(at_axis(index, axis_of(c.attrs, c.results[0].rank())), c.results[0].dtype);
            })
            .reference(each_element([](const RefContext& c, const Ints& index) {
              return static_cast<double>(at_axis(index, axis_of(c.attrs, static_cast<int>(index.size()))));
            }))
            .not_differentiable("no operands")
            .sample({.attrs = {{"shape", Dims{7}}}})
            .sample({.attrs = {{"shape", Dims{3, 5, 2}}, {"axis", std::int64_t{1}}, {"dtype", kFloat32}}})
            .fixture("hand: iota"));
  r.add(Op("dim")
            .doc("A dim as a number: what a mean over a symbolic axis divides by.")
            .mirrors("keras.ops.shape")
            .required_attr("dim", Dims{}, "one dim, a list of 1")
            .attr("dtype", kFloat32, "the element type")
            .fusion(FusionClass::kInjective)
            .infer(
                [](const InferContext& c) -> absl::StatusOr<Types> { return Types{{c.attrs.get<DType>("dtype"), {}}}; })
            .define([](const DefineContext& c, int, const Exprs&) {
              return loop::cast(loop::dim(c.attrs.get<Dims>("dim")[0]), c.results[0].dtype);
            })
            .reference(each_element([](const RefContext& c, const Ints&) {
              return static_cast<double>(c.attrs.get<Dims>("dim")[0].value());
            }))
            .not_differentiable("no operands")
            .sample({.attrs = {{"dim", Dims{6}}}})
            .fixture("hand: dim"));
}

void add_require(Registry& r) {
  r.add(Op("require")
            .doc("x, where sizes that are open until arrays are bound are as they have to be; others are an error.")
            .mirrors("torch._check")
            .input("x", "any")
            .required_attr("slack", Dims{}, "what must not be negative")
            .required_attr("expected", std::string(), "what an error expects")
            .required_attr("received", Dims{}, "what it shows, a list of 1")
            .fusion(FusionClass::kInjective)
            .infer(same_as())
            .bounds([](const InferContext& c) {
              std::vector<Bound> bounds;
              for (const Dim& slack : c.attrs.get<Dims>("slack"))
                bounds.push_back({slack, c.attrs.text("expected"), c.attrs.get<Dims>("received").at(0)});
              return bounds;
            })
            .define([](const DefineContext& c, int, const Exprs& index) { return c.read(0, index); })
            .reference([](const RefContext& c) {
              c.results[0].data = c.operands[0]->data;
              return absl::OkStatus();
            })
            .vjp([](Builder&, Node&, const Values& g) -> Values { return {g[0]}; })
            .sample({.operands = {"f32[N,5]"},
                     .attrs = {{"slack", Dims{Dim::symbol("N") - 2}},
                               {"expected", std::string("at least 2 rows")},
                               {"received", Dims{Dim::symbol("N")}}},
                     .bindings = {{"N", 3}}})
            .fixture("hand: require"));
}

void add_views(Registry& r) {
  r.add(Op("reshape")
            .doc("The same elements in row-major order under other dims.")
            .mirrors("keras.ops.reshape")
            .input("x", "any")
            .required_attr("shape", Dims{}, "the dims of the result")
            .fusion(FusionClass::kInjective)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              const TensorType& x = c.operand(0);
              const Dims& shape = c.attrs.get<Dims>("shape");
              if (x.numel() == product(shape)) return Types{{x.dtype, shape}};
              return expected(absl::StrCat("a shape of ", x.numel().to_string(), " elements"), to_string(shape));
            })
            .define([](const DefineContext& c, int, const Exprs& index) {
              return c.read(0, index_at(c.operands[0].dims, flat_position(c.results[0].dims, index)));
            })
            .reference([](const RefContext& c) {
              c.results[0].data = c.operands[0]->data;
              return absl::OkStatus();
            })
            .vjp([](Builder& b, Node& n, const Values& g) -> Values { return {b.reshape(g[0], n.operand(0).dims())}; })
            .sample({.operands = {"f32[3,8]"}, .attrs = {{"shape", Dims{2, 3, 4}}}})
            .sample({.operands = {"f32[2,3,1]"}, .attrs = {{"shape", Dims{6}}}})
            .sample(
                {.operands = {"f32[N,4,3]"}, .attrs = {{"shape", Dims{Dim::symbol("N"), 12}}}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[1]"}, .attrs = {{"shape", Dims{}}}})
            .fixture("torch:t_reshape"));
  r.add(Op("broadcast_to")
            .doc("x repeated along its axes of 1 element and along new leading axes.")
            .mirrors("keras.ops.broadcast_to")
            .input("x", "any")
            .required_attr("shape", Dims{}, "the dims of the result")
            .fusion(FusionClass::kInjective)
            .infer([](const InferContext& c) -> absl::StatusOr<Types> {
              const Dims& shape = c.attrs.get<Dims>("shape");
              absl::StatusOr<Dims> dims = broadcast(c.operand(0).dims, shape);
              if (dims.ok() && *dims == shape) return Types{{c.operand(0).dtype, shape}};
              return expected("an operand that broadcasts to " + to_string(shape), c.operand(0).to_string());
            })
            .define([](const DefineContext& c, int, const Exprs& index) {
              return c.read_broadcast(0, index, c.results[0].dims);
            })
            .reference(each_element(
                [](const RefContext& c, const Ints& index) { return broadcast_element(*c.operands[0], index); }))
            .vjp([](Builder&, Node&, const Values& g) -> Values { return {g[0]}; })
            .sample({.operands = {"f32[3,1]"}, .attrs = {{"shape", Dims{2, 3, 5}}}})
            .sample({.operands = {"f32[]"}, .attrs = {{"shape", Dims{17}}}})
            .sample({.operands = {"f32[N,1]"}, .attrs = {{"shape", Dims{Dim::symbol("N"), 4}}}, .bindings = {{"N", 3}}})
            .fixture("torch:t_broadcast_to"));
}

// The elements of the last two axes on one side of a diagonal; zeros on the other.
Op triangle(std::string_view name, bool lower) {
  Op op(name);
  op.input("x", "number", "[…, rows, columns]")
      .attr("diagonal", std::int64_t{0}, "the last diagonal that is kept; above the main one is positive")
      .fusion(FusionClass::kElementwise)
      .infer([](const InferContext& c) -> absl::StatusOr<Types> {
        if (c.operand(0).rank() < 2) return expected("a matrix or more", c.operand(0).to_string());
        return Types{c.operand(0)};
      })
      .decompose([lower](Builder& b, const Node& n) -> Values {
        Value x = n.operand(0);
        Dims matrix(x.dims().end() - 2, x.dims().end());
        auto position = [&](std::int64_t axis) {
          return b.call("iota", {}, {{"shape", matrix}, {"axis", axis}, {"dtype", kInt64}});
        };
        Value above = position(1) - position(0),
              last = b.constant(static_cast<double>(n.attrs().integer("diagonal")), kInt64);
        return {b.where(lower ? b.le(above, last) : b.ge(above, last), x, b.like(0, x))};
      })
      .sample({.operands = {"f32[4,5]"}})
      .sample({.operands = {"f32[N,3,3]"}, .attrs = {{"diagonal", std::int64_t{-1}}}, .bindings = {{"N", 2}}});
  return op;
}

void add_triangles(Registry& r) {
  r.add(triangle("tril", true)
            .doc("The lower triangle of the last two axes.")
            .mirrors("keras.ops.tril")
            .fixture("torch:t_tril"));
  r.add(triangle("triu", false)
            .doc("The upper triangle of the last two axes.")
            .mirrors("keras.ops.triu")
            .fixture("torch:t_triu"));
}

}  // namespace

void add_shape_ops(Registry& r) {
  add_sources(r);
  add_require(r);
  add_views(r);
  add_triangles(r);
}

}  // namespace mica::ir
