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

// Positions in an axis counted from the front; where its size is not known they are taken as they are.
Tensor from_the_front(const Tensor& indices, const ir::Dim& extent) {
  if (!indices.dtype().is_integral()) fail("integers or bool as indices", internal::describe(indices));
  Tensor wide = indices.to(kInt64);
  return extent.is_static() ? where(wide < 0, wide + extent.value(), wide) : wide;
}

Tensor take_indices(const Tensor& x, int axis, const Tensor& indices) {
  Tensor counted = from_the_front(indices, dims_of(x)[static_cast<std::size_t>(axis)]);
  return apply("gather", {x, counted}, {{"axis", std::int64_t{axis}}});
}

// Several index tensors name elements together: broadcast against each other, position by position. `axes` are where
// they stand in x; what they give stands at the first of them where they are neighbours, else in front.
Tensor take_together(const Tensor& x, const std::vector<int>& axes, const Tensors& indices) {
  bool neighbours = axes.back() - axes.front() + 1 == static_cast<int>(axes.size());
  int first = neighbours ? axes.front() : 0;
  std::vector<std::int64_t> order;
  for (int i = 0; i < x.dim(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) order.push_back(i);
  }
  order.insert(order.begin() + first, axes.begin(), axes.end());
  Tensor moved = x.permute(order);
  Tensor flat;
  ir::Dim size(1);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const ir::Dim& extent = dims_of(x)[static_cast<std::size_t>(axes[i])];
    if (!extent.is_static()) fail("axes of known size under several index tensors", internal::describe(x));
    Tensor position = from_the_front(indices[i], extent);
    flat = flat.defined() ? flat * extent.value() + position : position;
  }
  Tensor joined = moved.flatten(first, first + static_cast<int>(axes.size()) - 1);
  return apply("gather", {joined, flat}, {{"axis", std::int64_t{first}}});
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
  auto is_position_list = [](const Index& entry) {
    return entry.kind == Kind::kIndices && !entry.tensor.dtype().is_bool();
  };
  bool together = std::count_if(key.begin(), key.end(), is_position_list) > 1;
  std::vector<int> joint_axes;
  Tensors joint;
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
        } else if (together) {
          joint_axes.push_back(axis++);
          joint.push_back(entry.tensor);
        } else {
          x = take_indices(x, axis, entry.tensor);
          axis += entry.tensor.dim();
        }
        break;
    }
  }
  return together ? take_together(x, joint_axes, joint) : x;
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
