// x[…]: positions, ranges, ellipsis, new axes, index tensors and masks, as NumPy and PyTorch.
#include "frontend/graph/indexing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/operation.h"

namespace mica {
namespace {

using internal::apply;
using internal::dims_of;
using Kind = Index::Kind;

[[noreturn]] void fail(const std::string& expected, const std::string& received) {
  throw Error({.where = "operator[]", .expected = expected, .received = received, .hint = {}});
}

Tensor slice(const Tensor& x, int axis, ir::Dim start, ir::Dim stop, std::int64_t step) {
  return apply("slice", {x},
               {{"axis", std::int64_t{axis}}, {"start", ir::Dims{start}}, {"stop", ir::Dims{stop}}, {"step", step}});
}

// Where a bound of a range lies: counted from the end when negative, kept within the axis where that is known.
ir::Dim bound(const ir::Dim& extent, std::int64_t value, std::int64_t low) {
  if (!extent.is_static()) return value < 0 ? extent + value : ir::Dim(value);
  std::int64_t at = value < 0 ? value + extent.value() : value;
  return ir::Dim(std::clamp(at, low, extent.value() + low));
}

Tensor take_range(const Tensor& x, int axis, const Slice& range) {
  const ir::Dim extent = dims_of(x)[static_cast<std::size_t>(axis)];
  std::int64_t step = range.step.value_or(1);
  if (step == 0) fail("a step other than 0", "0");
  if (step > 0) {
    ir::Dim start = range.start ? bound(extent, *range.start, 0) : ir::Dim(0);
    ir::Dim stop = range.stop ? bound(extent, *range.stop, 0) : extent;
    bool empty = start.is_static() && stop.is_static() && stop.value() < start.value();
    return slice(x, axis, start, empty ? start : stop, step);
  }
  ir::Dim start = range.start ? bound(extent, *range.start, -1) : extent - ir::Dim(1);
  ir::Dim stop = range.stop ? bound(extent, *range.stop, -1) : ir::Dim(-1);
  return slice(x, axis, start, stop, step);
}

Tensor take_position(const Tensor& x, int axis, std::int64_t position) {
  const ir::Dim extent = dims_of(x)[static_cast<std::size_t>(axis)];
  if (extent.is_static() && (position < -extent.value() || position >= extent.value())) {
    fail(absl::StrCat("a position from ", -extent.value(), " to ", extent.value() - 1, " in axis ", axis),
         absl::StrCat(position));
  }
  ir::Dim at = position < 0 ? extent + position : ir::Dim(position);
  return slice(x, axis, at, at + ir::Dim(1), 1).squeeze(axis);
}

// The true positions of a concrete mask over the axes from `axis` on, which become one.
Tensor take_masked(const Tensor& x, int axis, const Tensor& mask) {
  for (int i = 0; i < mask.dim(); ++i) {
    if (mask.size(i) != x.size(axis + i)) fail("a mask of the shape of the axes", internal::describe(mask));
  }
  rt::Array values = internal::compute(internal::defined_node(mask));
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    if (values.at(i) != 0) positions.push_back(i);
  }
  Tensor flat = mask.dim() > 1 ? x.flatten(axis, axis + mask.dim() - 1) : x;
  auto count = static_cast<std::int64_t>(positions.size());
  return apply("gather", {flat, tensor(positions, {count})}, {{"axis", std::int64_t{axis}}});
}

Tensor take_indices(const Tensor& x, int axis, const Tensor& indices) {
  if (!indices.dtype().is_integral()) fail("integers or bool as indices", internal::describe(indices));
  const ir::Dim& extent = dims_of(x)[static_cast<std::size_t>(axis)];
  Tensor counted = indices;
  if (extent.is_static()) counted = where(indices < 0, indices + extent.value(), indices);
  return apply("gather", {x, counted}, {{"axis", std::int64_t{axis}}});
}

int axes_taken(const Index& entry) {
  if (entry.kind == Kind::kRest || entry.kind == Kind::kNewDim) return 0;
  return entry.kind == Kind::kIndices && entry.tensor.dtype().is_bool() ? entry.tensor.dim() : 1;
}

}  // namespace

namespace internal {

Tensor indexed(const Tensor& tensor, std::span<const Index> key) {
  Tensor x = tensor;
  int taken = 0;
  for (const Index& entry : key) taken += axes_taken(entry);
  if (taken > x.dim()) fail(absl::StrCat("at most ", x.dim(), " indices"), absl::StrCat(taken));
  int axis = 0;
  for (const Index& entry : key) {
    switch (entry.kind) {
      case Kind::kPosition:
        x = take_position(x, axis, entry.at);
        break;
      case Kind::kRange:
        x = take_range(x, axis++, entry.slice);
        break;
      case Kind::kRest:
        axis += tensor.dim() - taken;
        break;
      case Kind::kNewDim:
        x = x.unsqueeze(axis++);
        break;
      case Kind::kIndices:
        if (entry.tensor.dtype().is_bool()) {
          x = take_masked(x, axis++, entry.tensor);
        } else {
          x = take_indices(x, axis, entry.tensor);
          axis += entry.tensor.dim();
        }
        break;
    }
  }
  return x;
}

}  // namespace internal

namespace {
internal::Argument argument_of(const Index& entry) {
  switch (entry.kind) {
    case Kind::kPosition:
      return entry.at;
    case Kind::kRange:
      return entry.slice;
    case Kind::kRest:
      return kEllipsis;
    case Kind::kNewDim:
      return {};
    case Kind::kIndices:
      return entry.tensor;
  }
  return {};
}
}  // namespace

Tensor Tensor::operator[](const Index& index) const { return (*this)[{index}]; }

Tensor Tensor::operator[](std::initializer_list<Index> key) const {
  if (!internal::is_recorded(*this)) return internal::indexed(*this, key);
  internal::Argument::List entries;
  for (const Index& entry : key) entries.push_back(argument_of(entry));
  return internal::use_operation("GetItem", {{"x", *this}, {"key", std::move(entries)}});
}

}  // namespace mica
