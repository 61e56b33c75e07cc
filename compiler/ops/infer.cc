#include "compiler/ops/infer.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace mica::ir {

absl::StatusOr<Types> one_result(DType dtype, absl::StatusOr<Dims> dims) {
  if (!dims.ok()) return dims.status();
  return Types{{dtype, *std::move(dims)}};
}

absl::Status expected(const std::string& what, const std::string& received) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", what, ", received ", received));
}

InferFn same_as(int operand) {
  return [operand](const InferContext& c) -> absl::StatusOr<Types> { return Types{c.operand(operand)}; };
}

InferFn broadcast_of_operands() {
  return [](const InferContext& c) -> absl::StatusOr<Types> {
    DType dtype = c.operand(0).dtype;
    for (const TensorType& type : c.operands) dtype = promote(dtype, type.dtype);
    return one_result(dtype, broadcast_all(c.operands));
  };
}

InferFn type_of_attrs() {
  return [](const InferContext& c) -> absl::StatusOr<Types> {
    return Types{{c.attrs.get<DType>("dtype"), c.attrs.get<Dims>("shape")}};
  };
}

absl::StatusOr<Dims> broadcast_all(const Types& types) {
  absl::StatusOr<Dims> dims = Dims{};
  for (const TensorType& type : types) {
    dims = broadcast(*dims, type.dims);
    if (!dims.ok()) break;
  }
  return dims;
}

absl::StatusOr<Dims> reduced_dims(const TensorType& x, const Ints& axes, bool keepdims) {
  std::vector<bool> folded(x.dims.size(), axes.empty());
  for (std::int64_t axis : axes) {
    absl::StatusOr<int> at = normalize_axis(axis, x.rank());
    if (!at.ok()) return at.status();
    if (folded[static_cast<std::size_t>(*at)]) return expected("each axis once", to_string(Attr(axes)));
    folded[static_cast<std::size_t>(*at)] = true;
  }
  Dims dims;
  for (std::size_t i = 0; i < folded.size(); ++i) {
    if (!folded[i]) {
      dims.push_back(x.dims[i]);
    } else if (keepdims) {
      dims.push_back(Dim(1));
    }
  }
  return dims;
}

absl::StatusOr<Dim> windowed_dim(const Dim& size, const WindowAxis& axis) {
  if (axis.stride < 1 || axis.dilation < 1) {
    return expected("strides and dilations of at least 1",
                    absl::StrCat("stride ", axis.stride, ", dilation ", axis.dilation));
  }
  Dim last = size + axis.pad_low + axis.pad_high - Dim(axis.dilation) * (axis.window - 1) - 1;
  if (last.is_static() && last.value() < 0) {
    return expected("an axis at least as long as the window",
                    absl::StrCat("an axis of ", size.to_string(), " and a window of ", axis.window.to_string(),
                                 " with dilation ", axis.dilation));
  }
  return Dim::floor_div(last, axis.stride) + 1;
}

namespace {

bool is_never_negative(const Dim& dim) {
  const std::vector<Dim::Term> terms = dim.terms();
  return std::all_of(terms.begin(), terms.end(), [](const Dim::Term& term) { return term.coefficient >= 0; });
}

}  // namespace

void add_at_least(std::vector<Bound>& bounds, const Dim& needed, const Dim& size, int axis, const Dim& unless_zero) {
  if (is_never_negative(size - needed)) return;
  const char* elements = needed.is(1) ? " element" : " elements";
  bounds.push_back({.slack = unless_zero * (size - needed),
                    .expected = absl::StrCat("at least ", needed.to_string(), elements, " on axis ", axis),
                    .received = size});
}

std::vector<Bound> bounds_of_indexed(const InferContext& c) {
  const TensorType& x = c.operand(0);
  const int axis = axis_of(c.attrs, x.rank());
  std::vector<Bound> bounds;
  add_at_least(bounds, 1, x.dim(axis), axis, c.operand(1).numel());
  return bounds;
}

std::vector<Bound> bounds_of_folded(const TensorType& x, const Ints& axes) {
  const Dim results = product(*reduced_dims(x, axes, false));
  std::vector<Bound> bounds;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool folded = axes.empty() || std::any_of(axes.begin(), axes.end(), [&](std::int64_t a) {
                          return *normalize_axis(a, x.rank()) == axis;
                        });
    if (folded) add_at_least(bounds, 1, x.dim(axis), axis, results);
  }
  return bounds;
}

int axis_of(const Attrs& attrs, int rank) { return *normalize_axis(attrs.integer("axis"), rank); }

Ints axes_of(const Attrs& attrs, int rank) {
  Ints axes = attrs.ints("axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (std::int64_t& axis : axes) axis = *normalize_axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  return axes;
}

Dims keep_dims(const Dims& dims, const Ints& axes) {
  Dims kept = dims;
  for (std::int64_t axis : axes) kept[static_cast<std::size_t>(axis)] = Dim(1);
  return kept;
}

}  // namespace mica::ir
