#include "frontend/layers/window.h"

#include <algorithm>
#include <limits>

#include "frontend/graph/apply.h"

namespace mica::internal {
namespace {

// Elements before and after the spatial axis.
struct AxisPadding {
  ir::Dim low, high;
};

// Half of max(0, extent - 1 - (n - 1) mod stride) for an open n.
ir::Dim open_same_low(const ir::Dim& n, std::int64_t extent, std::int64_t stride) {
  const ir::Dim last = n - 1, whole = ir::Dim::floor_div(last, stride);
  if (extent >= stride) {
    ir::Dim rest = last - whole * ir::Dim(stride);
    return ir::Dim::floor_div(ir::Dim(extent - 1) - rest, 2);
  }
  // A dim has no max: 1 for each `most` of extent - 3, extent - 5, … that the rest of the division does not pass.
  ir::Dim low(0);
  for (std::int64_t most = extent - 3; most >= 0; most -= 2)
    low = low + 1 + whole - ir::Dim::floor_div(last + (stride - 1 - most), stride);
  return low;
}

AxisPadding same_padding(const ir::Dim& n, std::int64_t extent, std::int64_t stride) {
  if (n.is_static()) {
    std::int64_t last = (n.value() - 1) / stride * stride, total = std::max<std::int64_t>(last + extent - n.value(), 0);
    return {total / 2, total - total / 2};
  }
  // Elements after the last window are never read, so that the sum of both sides need not depend on n.
  ir::Dim low = open_same_low(n, extent, stride);
  return {low, ir::Dim(extent - 1) - low};
}

AxisPadding axis_padding(const std::string& mode, const ir::Dim& n, std::int64_t extent, std::int64_t stride) {
  if (mode == "same") return same_padding(n, extent, stride);
  return {mode == "causal" ? extent - 1 : 0, 0};
}

}  // namespace

PaddedInput padded_input(const Tensor& x, const std::string& mode, const Sizes& size, const Sizes& strides,
                         const Sizes& dilations, double outside) {
  PaddedInput padded{x, {}, false};
  const ir::Dims spatial = spatial_dims(x);
  ir::Dims low(spatial.size() + 2, ir::Dim(0)), high = low;
  for (std::size_t i = 0; i < size.size(); ++i) {
    AxisPadding axis = axis_padding(mode, spatial[i], (size[i] - 1) * dilations[i] + 1, strides[i]);
    const bool fixed = axis.low.is_static() && axis.high.is_static();
    padded.padding.low.push_back(fixed ? axis.low.value() : 0);
    padded.padding.high.push_back(fixed ? axis.high.value() : 0);
    if (fixed) continue;
    low[i + 1] = axis.low;
    high[i + 1] = axis.high;
    padded.by_elements = true;
  }
  if (padded.by_elements) padded.x = apply("pad", {x}, {{"low", low}, {"high", high}, {"value", outside}});
  return padded;
}

ir::Dims spatial_dims(const Tensor& x) {
  const ir::Dims& dims = dims_of(x);
  return ir::Dims(dims.begin() + 1, dims.end() - 1);
}

Tensor channels_to_last(const Tensor& x, const std::string& data_format) {
  if (data_format != "channels_first") return x;
  std::vector<std::int64_t> order{0};
  for (int i = 2; i < x.dim(); ++i) order.push_back(i);
  order.push_back(1);
  return x.permute(order);
}

Tensor channels_back(const Tensor& x, const std::string& data_format) {
  if (data_format != "channels_first") return x;
  std::vector<std::int64_t> order{0, x.dim() - 1};
  for (int i = 1; i + 1 < x.dim(); ++i) order.push_back(i);
  return x.permute(order);
}

namespace {

Tensor pooled(const char* op, const PaddedInput& padded, const Sizes& size, const Sizes& strides) {
  return apply(
      op, {padded.x},
      {{"window", size}, {"strides", strides}, {"pad_low", padded.padding.low}, {"pad_high", padded.padding.high}});
}

// One element of 1 for each of x's positions.
Tensor ones_in_space(const Tensor& x) {
  ir::Dims dims = dims_of(x);
  dims.front() = dims.back() = ir::Dim(1);
  return apply("constant", {}, {{"value", 1.0}, {"dtype", x.dtype()}, {"shape", dims}});
}

}  // namespace

Tensor pool_windows(const Tensor& x, bool average, const std::string& padding, const Sizes& size,
                    const Sizes& strides) {
  constexpr double kLeast = -std::numeric_limits<double>::infinity();
  auto padded = [&](const Tensor& y, double outside) {
    return padded_input(y, padding, size, strides, Sizes(size.size(), 1), outside);
  };
  if (!average) return pooled("max_pool", padded(x, kLeast), size, strides);
  PaddedInput input = padded(x, 0);
  if (!input.by_elements) return pooled("avg_pool", input, size, strides);
  // The padding is among what the windows are given: each sum is divided by what it holds of x.
  return pooled("sum_pool", input, size, strides) / pooled("sum_pool", padded(ones_in_space(x), 0), size, strides);
}

}  // namespace mica::internal
