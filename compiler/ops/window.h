// Windows that slide over the spatial axes of channels-last arrays [batch, spatial…, channels]: what convolution and
// pooling share.
#pragma once
#include <functional>
#include <optional>

#include "compiler/ops/op_def.h"

namespace mica::ir {

struct SlidingWindow {
  int spatial = 0;
  Ints strides, dilations, pad_low, pad_high;  // one entry a spatial axis

  // From the attributes of those names; empty lists stand for 1 and 0.
  SlidingWindow(const Attrs& attrs, int spatial_rank);
  // The attributes this was made from.
  static void declare(Op& op);
  static Attrs attrs_of(const Attrs& attrs);

  // Spatial dims of the result for spatial dims and a window of `x` (batch and channels included) and `window`.
  absl::StatusOr<Dims> result_dims(const Dims& x, const Dims& window) const;

  // Where tap `tap` of the window at `position` reads: clamped indices, and whether they are inside.
  struct Read {
    loop::Exprs index;
    loop::Expr inside;
  };
  Read input_of(const loop::Exprs& position, const loop::Exprs& tap, const Dims& sizes) const;
  // The other way: the window position whose tap `tap` reads `input`.
  Read position_of(const loop::Exprs& input, const loop::Exprs& tap, const Dims& positions) const;
  // The window position `back` before the last one that may reach `input`, and how many there are on each axis.
  Read position_before(const loop::Exprs& input, const loop::Exprs& back, const Dims& positions) const;
  Ints positions_over_an_input(const Ints& window) const;
  // In the reference: the input index, or nothing in the padding.
  std::optional<Ints> input_of(const Ints& position, const Ints& tap, const Ints& sizes) const;
};

// The spatial axes of [batch, spatial…, channels].
template <class T>
std::vector<T> spatial_part(const std::vector<T>& all) {
  return {all.begin() + 1, all.end() - 1};
}
// [batch, spatial…, channels] from its parts.
template <class T>
std::vector<T> channels_last(const T& batch, const std::vector<T>& spatial, const T& channels) {
  std::vector<T> all = {batch};
  all.insert(all.end(), spatial.begin(), spatial.end());
  all.push_back(channels);
  return all;
}
inline Dims dims_of(const Ints& ints) { return {ints.begin(), ints.end()}; }

}  // namespace mica::ir
