#include "frontend/layers/window.h"

#include <algorithm>

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

}  // namespace mica::internal
