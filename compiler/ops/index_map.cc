// Index maps: transpose, slice, pad and concat. Element i of the result is an element of an operand, or a constant.
#include <numeric>

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

std::size_t at(std::int64_t axis) { return static_cast<std::size_t>(axis); }

// ---- transpose

absl::StatusOr<Types> infer_transpose(const InferContext& c) {
  const TensorType& x = c.operand(0);
  const Ints& permutation = c.attrs.ints("permutation");
  Dims dims(permutation.size());
  std::vector<bool> seen(x.dims.size());
  bool valid = permutation.size() == x.dims.size();
  for (std::size_t i = 0; valid && i < permutation.size(); ++i) {
    valid = permutation[i] >= 0 && permutation[i] < x.rank() && !seen[at(permutation[i])];
    if (!valid) break;
    seen[at(permutation[i])] = true;
    dims[i] = x.dims[at(permutation[i])];
  }
  if (!valid) return expected(absl::StrCat("a permutation of ", x.rank(), " axes"), to_string(Attr(permutation)));
  return Types{{x.dtype, std::move(dims)}};
}

template <class Index>
std::vector<Index> permuted(const std::vector<Index>& index, const Ints& permutation) {
  std::vector<Index> source(index.size());
  for (std::size_t i = 0; i < index.size(); ++i) source[at(permutation[i])] = index[i];
  return source;
}

// ---- slice

Dim slice_start(const Attrs& attrs) { return attrs.get<Dims>("start")[0]; }

// What a slice takes of an axis.
struct Taken {
  Dim count, first, last;
  Taken(const Dim& start, const Dim& stop, std::int64_t step)
      : count(Dim::floor_div((step > 0 ? stop - start : start - stop) + (std::abs(step) - 1), std::abs(step))),
        first(start),
        last(start + Dim(step) * (count - 1)) {}
  bool is_nothing() const { return count.is_static() && count.value() <= 0; }
};

absl::StatusOr<Types> infer_slice(const InferContext& c) {
  TensorType type = c.operand(0);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), type.rank());
  if (!axis.ok()) return axis.status();
  const Dims &start = c.attrs.get<Dims>("start"), &stop = c.attrs.get<Dims>("stop");
  std::int64_t step = c.attrs.integer("step");
  if (start.size() != 1 || stop.size() != 1 || step == 0) {
    return expected("one start, one stop and a step other than 0",
                    absl::StrCat(to_string(start), ", ", to_string(stop), ", ", step));
  }
  Dim& size = type.dims[at(*axis)];
  const Taken taken(start[0], stop[0], step);
  auto outside = [&](const Dim& position) {
    Dim after = size - 1 - position;
    return (position.is_static() && position.value() < 0) || (after.is_static() && after.value() < 0);
  };
  if (!taken.is_nothing() && (outside(taken.first) || outside(taken.last))) {
    return expected(absl::StrCat("positions inside an axis of ", size.to_string()),
                    absl::StrCat(start[0].to_string(), " to ", stop[0].to_string(), " by ", step));
  }
  size = taken.is_nothing() ? Dim(0) : taken.count;
  return Types{std::move(type)};
}

// The lowest and the highest position that are read lie on the axis.
std::vector<Bound> slice_bounds(const InferContext& c) {
  const TensorType& x = c.operand(0);
  const int axis = axis_of(c.attrs, x.rank());
  const std::int64_t step = c.attrs.integer("step");
  const Dim size = x.dim(axis);
  const Taken taken(slice_start(c.attrs), c.attrs.get<Dims>("stop")[0], step);
  std::vector<Bound> bounds;
  if (taken.is_nothing()) return bounds;
  add_at_least(bounds, size - (step > 0 ? taken.first : taken.last), size, axis);
  add_at_least(bounds, (step > 0 ? taken.last : taken.first) + 1, size, axis);
  return bounds;
}

// The gradient lies where the elements were taken from, with |step|-1 zeros between; backwards for a negative step.
Values vjp_slice(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), g = grads[0];
  int axis = axis_of(node.attrs(), x.rank());
  std::int64_t step = node.attrs().integer("step");
  Dim taken = node.result_types()[0].dim(axis), first = slice_start(node.attrs());
  if (taken.is(0)) return {b.full_like(0, x)};
  if (step < 0) {
    g = b.slice(g, axis, taken - 1, -1, -1);
    first = first + Dim(step) * (taken - 1);
  }
  Dims low(x.dims().size()), high(x.dims().size());
  Ints interior(x.dims().size());
  low[at(axis)] = first;
  high[at(axis)] = x.type().dim(axis) - first - Dim(std::abs(step)) * (taken - 1) - 1;
  interior[at(axis)] = std::abs(step) - 1;
  return {b.call("pad", {g}, {{"low", low}, {"high", high}, {"interior", interior}})};
}

// ---- pad

// Pads of an axis; attributes that are shorter than the rank stand for zeros.
Dim pad_of(const Attrs& attrs, const char* side, std::size_t axis) {
  const Dims& pads = attrs.get<Dims>(side);
  return axis < pads.size() ? pads[axis] : Dim(0);
}
std::int64_t spacing_of(const Attrs& attrs, std::size_t axis) {
  const Ints& interior = attrs.ints("interior");
  return 1 + (axis < interior.size() ? interior[axis] : 0);
}

absl::StatusOr<Types> infer_pad(const InferContext& c) {
  TensorType type = c.operand(0);
  if (c.attrs.get<Dims>("low").size() > type.dims.size() || c.attrs.get<Dims>("high").size() > type.dims.size() ||
      c.attrs.ints("interior").size() > type.dims.size()) {
    return expected("at most one pad an axis",
                    absl::StrCat(to_string(c.attrs.get<Dims>("low")), " and ", to_string(c.attrs.get<Dims>("high")),
                                 " for ", type.to_string()));
  }
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    Dim spread = type.dims[i].is(0) ? Dim(0) : (type.dims[i] - 1) * Dim(spacing_of(c.attrs, i)) + 1;
    Dim padded = pad_of(c.attrs, "low", i) + spread + pad_of(c.attrs, "high", i);
    if (padded.is_static() && padded.value() < 0) {
      return expected("pads that crop no more than there is",
                      absl::StrCat(padded.to_string(), " elements in axis ", i));
    }
    type.dims[i] = padded;
  }
  return Types{std::move(type)};
}

Expr define_pad(const DefineContext& c, int, const Exprs& index) {
  const Dims& dims = c.operands[0].dims;
  Expr inside = loop::integer(1, kBool), zero = loop::integer(0);
  Exprs source;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    Expr offset = index[i] - loop::dim(pad_of(c.attrs, "low", i)), spacing = loop::integer(spacing_of(c.attrs, i));
    Expr position = offset / spacing, size = loop::dim(dims[i]);
    bool untouched = dims[i] == c.results[0].dims[i] && pad_of(c.attrs, "low", i).is(0) && spacing_of(c.attrs, i) == 1;
    if (!untouched) {
      Expr in_range = loop::logical_and(loop::le(zero, offset), loop::lt(position, size));
      inside = loop::logical_and(inside, in_range);
      if (spacing_of(c.attrs, i) != 1) inside = loop::logical_and(inside, loop::eq(offset % spacing, zero));
    }
    source.push_back(untouched ? index[i] : loop::max(zero, loop::min(position, size - 1)));
  }
  Expr value = loop::constant(c.attrs.number("value"), c.results[0].dtype);
  if (c.operands[0].numel().is(0)) return value;
  return loop::select(inside, c.read(0, source), value);
}

double reference_pad(const RefContext& c, const Ints& index) {
  const RefTensor& x = *c.operands[0];
  Ints source;
  for (std::size_t i = 0; i < index.size(); ++i) {
    std::int64_t offset = index[i] - pad_of(c.attrs, "low", i).value(), spacing = spacing_of(c.attrs, i);
    if (offset < 0 || offset % spacing != 0 || offset / spacing >= x.dims[i]) return c.attrs.number("value");
    source.push_back(offset / spacing);
  }
  return element(x, source);
}

Values vjp_pad(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), g = grads[0];
  Dims low, high;
  for (std::size_t i = 0; i < x.dims().size(); ++i) {
    low.push_back(Dim(-1) * pad_of(node.attrs(), "low", i));
    high.push_back(Dim(-1) * pad_of(node.attrs(), "high", i));
  }
  g = b.call("pad", {g}, {{"low", low}, {"high", high}});
  for (std::size_t i = 0; i < x.dims().size(); ++i) {
    std::int64_t spacing = spacing_of(node.attrs(), i);
    if (spacing != 1) g = b.slice(g, static_cast<int>(i), 0, g.dims()[i], spacing);
  }
  return {g};
}

// ---- concat

absl::StatusOr<Types> infer_concat(const InferContext& c) {
  TensorType type = c.operand(0);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), type.rank());
  if (!axis.ok()) return axis.status();
  Dim total(0);
  for (const TensorType& x : c.operands) {
    bool fits = x.dtype == type.dtype && x.rank() == type.rank();
    for (int i = 0; fits && i < type.rank(); ++i) fits = i == *axis || x.dim(i) == type.dim(i);
    if (!fits) {
      return expected(absl::StrCat("operands that differ in axis ", *axis, " only"),
                      absl::StrCat(type.to_string(), " and ", x.to_string()));
    }
    total = total + x.dim(*axis);
  }
  type.dims[at(*axis)] = total;
  return Types{std::move(type)};
}

// A chain of selections, the last operand innermost; reads of the operands that are not taken are clamped.
Expr define_concat(const DefineContext& c, int, const Exprs& index) {
  std::size_t axis = at(axis_of(c.attrs, c.results[0].rank()));
  Dim start = c.results[0].dims[axis];
  Expr value;
  for (std::size_t i = c.operands.size(); i-- > 0;) {
    const Dim& size = c.operands[i].dims[axis];
    start = start - size;
    if (size.is(0)) continue;
    Exprs own = index;
    Expr position = index[axis] - loop::dim(start);
    own[axis] =
        c.operands.size() == 1 ? index[axis] : loop::max(loop::integer(0), loop::min(position, loop::dim(size - 1)));
    Expr read = c.read(static_cast<int>(i), own);
    value = value ? loop::select(loop::lt(index[axis], loop::dim(start + size)), read, value) : read;
  }
  return value ? value : loop::constant(0, c.results[0].dtype);  // no elements at all
}

double reference_concat(const RefContext& c, const Ints& index) {
  std::size_t axis = at(axis_of(c.attrs, static_cast<int>(index.size())));
  Ints own = index;
  for (const RefTensor* x : c.operands) {
    if (own[axis] < x->dims[axis]) return element(*x, own);
    own[axis] -= x->dims[axis];
  }
  return 0;
}

Values vjp_concat(Builder& b, Node& node, const Values& grads) {
  int axis = axis_of(node.attrs(), node.operand(0).rank());
  Values parts;
  Dim start(0);
  for (const Value& x : node.operands()) {
    Dim stop = start + x.type().dim(axis);
    parts.push_back(b.slice(grads[0], axis, start, stop));
    start = stop;
  }
  return parts;
}

}  // namespace

void add_index_map_ops(Registry& r) {
  Dim n = Dim::symbol("N");
  r.add(Op("transpose")
            .doc("The axes in another order.")
            .mirrors("keras.ops.transpose")
            .input("x", "any")
            .required_attr("permutation", Ints{}, "axis i of the result is axis permutation[i] of x")
            .fusion(FusionClass::kInjective)
            .infer(infer_transpose)
            .define([](const DefineContext& c, int, const Exprs& index) {
              return c.read(0, permuted(index, c.attrs.ints("permutation")));
            })
            .reference(each_element([](const RefContext& c, const Ints& index) {
              return element(*c.operands[0], permuted(index, c.attrs.ints("permutation")));
            }))
            .vjp([](Builder& b, Node& node, const Values& g) -> Values {
              const Ints& permutation = node.attrs().ints("permutation");
              Ints axes(permutation.size());
              std::iota(axes.begin(), axes.end(), 0);
              return {b.transpose(g[0], permuted(axes, permutation))};
            })
            .sample({.operands = {"f32[3,5]"}, .attrs = {{"permutation", Ints{1, 0}}}})
            .sample({.operands = {"f32[N,3,17]"}, .attrs = {{"permutation", Ints{1, 2, 0}}}, .bindings = {{"N", 4}}})
            .fixture("torch:t_permute"));
  r.add(
      Op("slice")
          .doc("The elements start, start+step, … before stop, along one axis. With a negative step stop lies below; "
               "all positions count from the front.")
          .mirrors("keras.ops.slice")
          .input("x", "any")
          .required_attr("axis", std::int64_t{0}, "the axis to cut")
          .required_attr("start", Dims{}, "the first position, a list of 1")
          .required_attr("stop", Dims{}, "the position after the last, a list of 1; -1 before the front")
          .attr("step", std::int64_t{1}, "the distance of elements, not 0")
          .fusion(FusionClass::kInjective)
          .infer(infer_slice)
          .bounds(slice_bounds)
          .define([](const DefineContext& c, int, const Exprs& index) {
            Exprs source = index;
            Expr& position = source[at(axis_of(c.attrs, c.results[0].rank()))];
            position = loop::dim(slice_start(c.attrs)) + position * c.attrs.integer("step");
            return c.read(0, source);
          })
          .reference(each_element([](const RefContext& c, const Ints& index) {
            Ints source = index;
            std::int64_t& position = source[at(axis_of(c.attrs, static_cast<int>(index.size())))];
            position = slice_start(c.attrs).value() + position * c.attrs.integer("step");
            return element(*c.operands[0], source);
          }))
          .vjp(vjp_slice)
          .sample(
              {.operands = {"f32[7,3]"}, .attrs = {{"axis", std::int64_t{0}}, {"start", Dims{1}}, {"stop", Dims{5}}}})
          .sample({.operands = {"f32[2,11]"},
                   .attrs =
                       {{"axis", std::int64_t{-1}}, {"start", Dims{1}}, {"stop", Dims{10}}, {"step", std::int64_t{3}}}})
          .sample({.operands = {"f32[N,3]"},
                   .attrs = {{"axis", std::int64_t{0}},
                             {"start", Dims{n - 1}},
                             {"stop", Dims{-1}},
                             {"step", std::int64_t{-1}}},
                   .bindings = {{"N", 5}}})
          .sample(
              {.operands = {"f32[9]"},
               .attrs = {{"axis", std::int64_t{0}}, {"start", Dims{7}}, {"stop", Dims{0}}, {"step", std::int64_t{-2}}}})
          .fixture("torch:t_narrow"));
  r.add(
      Op("pad")
          .doc("x with elements of one value before, after and between its own. Negative pads crop.")
          .mirrors("keras.ops.pad")
          .input("x", "any")
          .attr("low", Dims{}, "elements before the first, an axis each")
          .attr("high", Dims{}, "elements after the last, an axis each")
          .attr("interior", Ints{}, "elements between two neighbours, an axis each")
          .attr("value", 0.0, "the value of the new elements")
          .fusion(FusionClass::kInjective)
          .infer(infer_pad)
          .define(define_pad)
          .reference(each_element(reference_pad))
          .vjp(vjp_pad)
          .sample({.operands = {"f32[3,5]"}, .attrs = {{"low", Dims{1, 0}}, {"high", Dims{2, 3}}, {"value", 0.5}}})
          .sample({.operands = {"f32[7,4]"}, .attrs = {{"low", Dims{-2, 1}}, {"high", Dims{-1, -2}}}})
          .sample({.operands = {"f32[4,3]"}, .attrs = {{"low", Dims{1}}, {"high", Dims{-1}}, {"interior", Ints{2, 1}}}})
          .sample(
              {.operands = {"f32[N,3]"}, .attrs = {{"low", Dims{0, 2}}, {"high", Dims{n, 1}}}, .bindings = {{"N", 3}}})
          .fixture("torch:pad_constant"));
  r.add(Op("concat")
            .doc("Operands one after another along an axis.")
            .mirrors("keras.ops.concatenate")
            .variadic_input("xs", "any")
            .attr("axis", std::int64_t{-1}, "the axis to grow")
            .fusion(FusionClass::kInjective)
            .infer(infer_concat)
            .define(define_concat)
            .reference(each_element(reference_concat))
            .vjp(vjp_concat)
            .sample({.operands = {"f32[3,5]", "f32[3,2]"}})
            .sample({.operands = {"f32[2,3]", "f32[0,3]", "f32[4,3]"}, .attrs = {{"axis", std::int64_t{0}}}})
            .sample({.operands = {"f32[N,3]", "f32[N,17]"}, .bindings = {{"N", 2}}})
            .sample({.operands = {"i32[3]:0..9"}})
            .fixture("torch:t_cat"));
}

}  // namespace mica::ir
