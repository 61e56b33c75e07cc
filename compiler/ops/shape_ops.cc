// Operations that move elements without computing: constants, reshapes and index maps.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;

Expr flat_position(const Dims& dims, const Exprs& index) {
  Expr flat = loop::integer(0);
  for (std::size_t i = 0; i < dims.size(); ++i) flat = flat * loop::dim(dims[i]) + index[i];
  return flat;
}

Exprs index_at(const Dims& dims, Expr flat) {
  Exprs index(dims.size());
  for (std::size_t i = dims.size(); i-- > 0;) {
    index[i] = i == 0 ? flat : flat % loop::dim(dims[i]);
    flat = flat / loop::dim(dims[i]);
  }
  return index;
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
            .sample({.operands = {"f32[4]"}, .attrs = {{"shape", Dims{Dim::symbol("N"), 4}}}, .bindings = {{"N", 3}}})
            .fixture("torch:t_broadcast_to"));
}

}  // namespace

void add_shape_ops(Registry& r) {
  add_sources(r);
  add_views(r);
}

}  // namespace mica::ir
