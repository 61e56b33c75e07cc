// Tensor's methods under PyTorch's names: shape, reductions, elementwise functions.
#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::apply_promoted;
using internal::checked_axis;
using internal::dims_of;
using internal::reshape_dims;
using internal::to_floating;

Tensor Tensor::to(DType dtype) const { return internal::cast(*this, dtype); }
Tensor Tensor::float_() const { return to(kFloat32); }
Tensor Tensor::long_() const { return to(kInt64); }
Tensor Tensor::bool_() const { return to(kBool); }

namespace {

// The dims that a shape with kAny in it means for x: an open entry stands for x's open dim at the same place as long as
// more than one is open; the last open one is what is left of x's elements.
ir::Dims resolve_shape(const Tensor& x, const Shape& shape) {
  const ir::Dims& from = dims_of(x);
  ir::Dims dims;
  auto open = std::count(shape.begin(), shape.end(), kAny);
  int inferred = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    auto at = static_cast<std::size_t>(i);
    if (shape[i] != kAny) {
      dims.push_back(ir::Dim(shape[i]));
    } else if (open > 1 && at < from.size() && !from[at].is_static()) {
      dims.push_back(from[at]);
      --open;
    } else {
      if (inferred >= 0) {
        throw Error({.where = "reshape", .expected = "one dim to infer", .received = shape.to_string(), .hint = {}});
      }
      inferred = i;
      dims.push_back(ir::Dim(1));
    }
  }
  if (inferred >= 0) {
    std::optional<ir::Dim> rest = ir::Dim::exact_div(ir::product(from), ir::product(dims));
    if (rest) dims[static_cast<std::size_t>(inferred)] = *rest;
  }
  if (!(ir::product(dims) == ir::product(from))) {
    throw Error({.where = "reshape",
                 .expected = absl::StrCat("a shape with the elements of ", x.shape().to_string()),
                 .received = shape.to_string(),
                 .hint = {}});
  }
  return dims;
}

ir::Ints counted(const Axes& axes, const Tensor& x, std::string_view where) {
  ir::Ints counted;
  for (std::int64_t axis : axes.list()) counted.push_back(checked_axis(axis, x.dim(), where));
  return counted;
}

Tensor reduce(std::string_view op, const Tensor& x, const Axes& axes, bool keepdim) {
  return apply(op, {x}, {{"axes", counted(axes, x, op)}, {"keepdims", keepdim}});
}

Tensor permuted(const Tensor& x, ir::Ints permutation) {
  return apply("transpose", {x}, {{"permutation", std::move(permutation)}});
}

}  // namespace

Tensor Tensor::reshape(const Shape& shape) const { return reshape_dims(*this, resolve_shape(*this, shape)); }
Tensor Tensor::view(const Shape& shape) const { return reshape(shape); }

Tensor Tensor::flatten(int start, int end) const {
  if (dim() == 0) return reshape({1});
  int first = checked_axis(start, dim(), "flatten"), last = checked_axis(end, dim(), "flatten");
  const ir::Dims& from = dims_of(*this);
  ir::Dims dims(from.begin(), from.begin() + first);
  dims.push_back(ir::product(ir::Dims(from.begin() + first, from.begin() + last + 1)));
  dims.insert(dims.end(), from.begin() + last + 1, from.end());
  return reshape_dims(*this, std::move(dims));
}

Tensor Tensor::unflatten(int axis, const Shape& sizes) const {
  int at = checked_axis(axis, dim(), "unflatten");
  const ir::Dims& from = dims_of(*this);
  ir::Dim known(1);
  for (std::int64_t size : sizes) known = size == kAny ? known : known * ir::Dim(size);
  std::optional<ir::Dim> rest = ir::Dim::exact_div(from[static_cast<std::size_t>(at)], known);
  ir::Dims dims(from.begin(), from.begin() + at);
  for (std::int64_t size : sizes) dims.push_back(size == kAny ? rest.value_or(ir::Dim(0)) : ir::Dim(size));
  dims.insert(dims.end(), from.begin() + at + 1, from.end());
  return reshape_dims(*this, std::move(dims));
}

Tensor Tensor::squeeze() const {
  ir::Dims dims;
  for (const ir::Dim& d : dims_of(*this)) {
    if (!d.is(1)) dims.push_back(d);
  }
  return reshape_dims(*this, std::move(dims));
}
Tensor Tensor::squeeze(int axis) const {
  ir::Dims dims = dims_of(*this);
  int at = checked_axis(axis, dim(), "squeeze");
  if (!dims[static_cast<std::size_t>(at)].is(1)) return *this;
  dims.erase(dims.begin() + at);
  return reshape_dims(*this, std::move(dims));
}
Tensor Tensor::unsqueeze(int axis) const {
  ir::Dims dims = dims_of(*this);
  dims.insert(dims.begin() + checked_axis(axis, dim() + 1, "unsqueeze"), ir::Dim(1));
  return reshape_dims(*this, std::move(dims));
}

Tensor Tensor::transpose(int dim0, int dim1) const {
  ir::Ints order;
  for (int i = 0; i < dim(); ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(checked_axis(dim0, dim(), "transpose"))],
            order[static_cast<std::size_t>(checked_axis(dim1, dim(), "transpose"))]);
  return permuted(*this, std::move(order));
}
Tensor Tensor::t() const { return dim() < 2 ? *this : transpose(0, 1); }
Tensor Tensor::permute(std::initializer_list<std::int64_t> dims) const {
  return permute(std::vector<std::int64_t>(dims));
}
Tensor Tensor::permute(const std::vector<std::int64_t>& dims) const {
  ir::Ints order;
  for (std::int64_t axis : dims) order.push_back(checked_axis(axis, dim(), "permute"));
  return permuted(*this, std::move(order));
}

Tensor Tensor::expand(const Shape& shape) const {
  const ir::Dims& from = dims_of(*this);
  ir::Dims dims;
  int offset = shape.rank() - dim();
  for (int i = 0; i < shape.rank(); ++i) {
    bool keep = shape[i] == kAny && i >= offset;
    dims.push_back(keep ? from[static_cast<std::size_t>(i - offset)] : ir::Dim(shape[i]));
  }
  return apply("broadcast_to", {*this}, {{"shape", std::move(dims)}});
}

Tensor Tensor::repeat(const Shape& times) const {
  Tensor x = *this;
  while (x.dim() < times.rank()) x = x.unsqueeze(0);
  for (int i = 0; i < times.rank(); ++i) {
    if (times[i] == 1) continue;
    x = cat(Tensors(std::vector<Tensor>(static_cast<std::size_t>(times[i]), x)), i);
  }
  return x;
}

Tensor Tensor::masked_fill(const Tensor& where_true, Scalar value) const { return where(where_true, value, *this); }

Tensor Tensor::select(int axis, std::int64_t index) const {
  int at = checked_axis(axis, dim(), "select");
  return narrow(at, index, 1).squeeze(at);
}

Tensor Tensor::narrow(int axis, std::int64_t start, std::int64_t length) const {
  int at = checked_axis(axis, dim(), "narrow");
  const ir::Dim& extent = dims_of(*this)[static_cast<std::size_t>(at)];
  if (extent.is_static() && (start < -extent.value() || start + length > extent.value())) {
    throw Error({.where = "narrow",
                 .expected = absl::StrCat("a range inside of axis ", at, " of ", shape().to_string()),
                 .received = absl::StrCat("start ", start, ", length ", length),
                 .hint = {}});
  }
  ir::Dim first = start < 0 ? extent + start : ir::Dim(start);
  return apply("slice", {*this},
               {{"axis", std::int64_t{at}}, {"start", ir::Dims{first}}, {"stop", ir::Dims{first + length}}});
}

Tensors Tensor::split(std::int64_t size, int axis) const {
  std::int64_t extent = this->size(axis);
  if (extent == kAny || size < 1) {
    throw Error({.where = "split",
                 .expected = "a known axis and a size of at least 1",
                 .received = absl::StrCat(internal::describe(*this), ", size ", size),
                 .hint = {}});
  }
  Tensors parts;
  for (std::int64_t start = 0; start < extent; start += size) {
    parts.push_back(narrow(axis, start, std::min(size, extent - start)));
  }
  return parts;
}
Tensors Tensor::chunk(int chunks, int axis) const { return split((size(axis) + chunks - 1) / chunks, axis); }
Tensors Tensor::unbind(int axis) const {
  int at = checked_axis(axis, dim(), "unbind");
  Tensors parts;
  for (const Tensor& part : split(1, at)) parts.push_back(part.squeeze(at));
  return parts;
}

Tensor Tensor::sum(const Axes& axes, ReduceOptions options) const {
  Tensor x = dtype().is_bool() ? to(kInt64) : *this;
  return reduce("reduce_sum", x, axes, options.keepdim);
}
Tensor Tensor::mean(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_mean", to_floating(*this), axes, options.keepdim);
}
Tensor Tensor::prod(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_prod", *this, axes, options.keepdim);
}
Tensor Tensor::amax(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_max", *this, axes, options.keepdim);
}
Tensor Tensor::amin(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_min", *this, axes, options.keepdim);
}
Tensor Tensor::all(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_all", to(kBool), axes, options.keepdim);
}
Tensor Tensor::any(const Axes& axes, ReduceOptions options) const {
  return reduce("reduce_any", to(kBool), axes, options.keepdim);
}
Tensor Tensor::logsumexp(const Axes& axes, ReduceOptions options) const {
  return reduce("logsumexp", to_floating(*this), axes, options.keepdim);
}
Tensor Tensor::var(const Axes& axes, VarOptions options) const {
  return apply("reduce_variance", {to_floating(*this)},
               {{"axes", counted(axes, *this, "var")},
                {"keepdims", options.keepdim},
                {"correction", static_cast<double>(options.correction)}});
}
Tensor Tensor::std(const Axes& axes, VarOptions options) const {
  return apply("reduce_std", {to_floating(*this)},
               {{"axes", counted(axes, *this, "std")},
                {"keepdims", options.keepdim},
                {"correction", static_cast<double>(options.correction)}});
}
Tensor Tensor::norm(NormOptions options) const {
  return linalg::vector_norm(*this,
                             {.ord = options.p, .dim = options.dim.value_or(Axes()), .keepdim = options.keepdim});
}
Tensor Tensor::max() const { return amax(); }
Tensor Tensor::min() const { return amin(); }
namespace {
Tensor arg_extreme(std::string_view op, const Tensor& x, std::optional<int> axis, bool keepdim) {
  Tensor along = axis ? x : x.flatten();
  std::int64_t at = checked_axis(axis.value_or(0), along.dim(), op);
  return internal::cast(apply(op, {along}, {{"axis", at}, {"keepdims", keepdim && axis.has_value()}}), kInt64);
}
}  // namespace

namespace {
// The gradient goes to the element at the index, the first of equal ones.
MaxResult extreme_along(std::string_view op, const Tensor& x, int axis, bool keepdim) {
  Tensor index = arg_extreme(op, x, axis, /*keepdim=*/true), value = gather(x, axis, index);
  if (keepdim) return {value, index};
  return {value.squeeze(axis), index.squeeze(axis)};
}
}  // namespace

MaxResult Tensor::max(int axis, ReduceOptions options) const {
  return extreme_along("argmax", *this, axis, options.keepdim);
}
MaxResult Tensor::min(int axis, ReduceOptions options) const {
  return extreme_along("argmin", *this, axis, options.keepdim);
}
Tensor Tensor::argmax(std::optional<int> axis, ReduceOptions options) const {
  return arg_extreme("argmax", *this, axis, options.keepdim);
}
Tensor Tensor::argmin(std::optional<int> axis, ReduceOptions options) const {
  return arg_extreme("argmin", *this, axis, options.keepdim);
}

Tensor Tensor::matmul(const Tensor& other) const {
  DType dtype = ir::promote(this->dtype(), other.dtype());
  Tensor a = internal::cast(*this, dtype), b = internal::cast(other, dtype);
  bool row = a.dim() == 1, column = b.dim() == 1;  // a vector is a matrix of one row, or column
  Tensor y = apply("matmul", {row ? a.unsqueeze(0) : a, column ? b.unsqueeze(1) : b});
  if (row) y = y.squeeze(column ? y.dim() - 2 : -2);
  return column ? y.squeeze(-1) : y;
}
Tensor Tensor::dot(const Tensor& other) const { return matmul(other); }
Tensor Tensor::softmax(int axis) const {
  return apply("softmax", {to_floating(*this)}, {{"axis", std::int64_t{checked_axis(axis, dim(), "softmax")}}});
}
Tensor Tensor::log_softmax(int axis) const {
  return apply("log_softmax", {to_floating(*this)}, {{"axis", std::int64_t{checked_axis(axis, dim(), "log_softmax")}}});
}

Tensor Tensor::relu() const { return apply("relu", {to_floating(*this)}); }
Tensor Tensor::sigmoid() const { return apply("sigmoid", {to_floating(*this)}); }
Tensor Tensor::tanh() const { return apply("tanh", {to_floating(*this)}); }
Tensor Tensor::exp() const { return apply("exp", {to_floating(*this)}); }
Tensor Tensor::log() const { return apply("log", {to_floating(*this)}); }
Tensor Tensor::sqrt() const { return apply("sqrt", {to_floating(*this)}); }
Tensor Tensor::rsqrt() const { return apply("rsqrt", {to_floating(*this)}); }
Tensor Tensor::square() const { return *this * *this; }
Tensor Tensor::abs() const { return apply("abs", {*this}); }
Tensor Tensor::sign() const { return apply("sign", {*this}); }
Tensor Tensor::round() const { return apply("round", {*this}); }
Tensor Tensor::floor() const { return apply("floor", {*this}); }
Tensor Tensor::ceil() const { return apply("ceil", {*this}); }
Tensor Tensor::pow(Scalar exponent) const { return apply_promoted("pow", *this, exponent, /*to_float=*/true); }
Tensor Tensor::pow(const Tensor& exponent) const { return apply_promoted("pow", *this, exponent, /*to_float=*/true); }
Tensor Tensor::clamp(std::optional<double> low, std::optional<double> high) const {
  if (dtype().is_floating()) {  // its bounds pass the gradient
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return apply("clip", {*this}, {{"low", low.value_or(-kInfinity)}, {"high", high.value_or(kInfinity)}});
  }
  // Whole bounds keep integers.
  auto bound = [](double value) {
    bool whole = std::floor(value) == value && std::isfinite(value);
    return whole ? Scalar(static_cast<std::int64_t>(value)) : Scalar(value);
  };
  Tensor x = *this;
  if (low) x = apply_promoted("maximum", x, bound(*low));
  if (high) x = apply_promoted("minimum", x, bound(*high));
  return x;
}
Tensor Tensor::eq(const Tensor& other) const { return *this == other; }

}  // namespace mica
