#include "compiler/ops/window.h"

#include "absl/strings/str_cat.h"
#include "compiler/ops/infer.h"

namespace mica::ir {

using loop::Expr;
using loop::Exprs;

namespace {

Ints or_all(const Ints& given, std::int64_t fallback, int spatial) {
  return given.empty() ? Ints(static_cast<std::size_t>(spatial), fallback) : given;
}

Expr clamp_into(const Expr& position, const Dim& size) {
  return loop::max(loop::integer(0), loop::min(position, loop::dim(size - 1)));
}

}  // namespace

SlidingWindow::SlidingWindow(const Attrs& attrs, int spatial_rank)
    : spatial(spatial_rank),
      strides(or_all(attrs.ints("strides"), 1, spatial)),
      dilations(or_all(attrs.ints("dilations"), 1, spatial)),
      pad_low(or_all(attrs.ints("pad_low"), 0, spatial)),
      pad_high(or_all(attrs.ints("pad_high"), 0, spatial)) {}

void SlidingWindow::declare(Op& op) {
  op.attr("strides", Ints{}, "distance of neighbouring windows, an axis each")
      .attr("dilations", Ints{}, "distance of neighbouring taps of a window, an axis each")
      .attr("pad_low", Ints{}, "elements of padding before each axis")
      .attr("pad_high", Ints{}, "elements of padding after each axis");
}

Attrs SlidingWindow::attrs_of(const Attrs& attrs) {
  Attrs own;
  for (const char* name : {"strides", "dilations", "pad_low", "pad_high"}) own.set(name, attrs.ints(name));
  return own;
}

absl::StatusOr<Dims> SlidingWindow::result_dims(const Dims& x, const Dims& window) const {
  std::size_t n = static_cast<std::size_t>(spatial);
  if (x.size() != n + 2 || window.size() != n || strides.size() != n || dilations.size() != n || pad_low.size() != n ||
      pad_high.size() != n) {
    return expected(
        absl::StrCat("a window, strides, dilations and pads for the ", x.size() - 2, " spatial axes of ", to_string(x)),
        absl::StrCat("a window of ", to_string(window)));
  }
  Dims dims;
  for (std::size_t i = 0; i < n; ++i) {
    absl::StatusOr<Dim> dim = windowed_dim(x[i + 1], {window[i], strides[i], dilations[i], pad_low[i], pad_high[i]});
    if (!dim.ok()) return dim.status();
    dims.push_back(*std::move(dim));
  }
  return dims;
}

SlidingWindow::Read SlidingWindow::input_of(const Exprs& position, const Exprs& tap, const Dims& sizes) const {
  Read read{{}, loop::integer(1, kBool)};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Expr at = position[i] * strides[i] + tap[i] * dilations[i] - pad_low[i];
    if (pad_low[i] == 0 && pad_high[i] == 0) {  // then every tap is inside
      read.index.push_back(at);
      continue;
    }
    read.inside = loop::logical_and(read.inside, loop::le(loop::integer(0), at));
    read.inside = loop::logical_and(read.inside, loop::lt(at, loop::dim(sizes[i])));
    read.index.push_back(clamp_into(at, sizes[i]));
  }
  return read;
}

SlidingWindow::Read SlidingWindow::position_of(const Exprs& input, const Exprs& tap, const Dims& positions) const {
  Read read{{}, loop::integer(1, kBool)};
  for (std::size_t i = 0; i < positions.size(); ++i) {
    Expr from_first = input[i] + pad_low[i] - tap[i] * dilations[i], zero = loop::integer(0);
    Expr at = from_first / strides[i];
    read.inside = loop::logical_and(read.inside, loop::le(zero, from_first));
    if (strides[i] != 1) read.inside = loop::logical_and(read.inside, loop::eq(from_first % strides[i], zero));
    read.inside = loop::logical_and(read.inside, loop::lt(at, loop::dim(positions[i])));
    read.index.push_back(clamp_into(at, positions[i]));
  }
  return read;
}

SlidingWindow::Read SlidingWindow::position_before(const Exprs& input, const Exprs& back, const Dims& positions) const {
  Read read{{}, loop::integer(1, kBool)};
  for (std::size_t i = 0; i < positions.size(); ++i) {
    Expr at = (input[i] + pad_low[i]) / strides[i] - back[i];
    read.inside = loop::logical_and(read.inside, loop::le(loop::integer(0), at));
    read.inside = loop::logical_and(read.inside, loop::lt(at, loop::dim(positions[i])));
    read.index.push_back(clamp_into(at, positions[i]));
  }
  return read;
}

Ints SlidingWindow::positions_over_an_input(const Ints& window) const {
  Ints counts;
  for (std::size_t i = 0; i < window.size(); ++i) {
    std::int64_t reach = (window[i] - 1) * dilations[i] + 1;
    counts.push_back((reach + strides[i] - 1) / strides[i]);
  }
  return counts;
}

std::optional<Ints> SlidingWindow::input_of(const Ints& position, const Ints& tap, const Ints& sizes) const {
  Ints index;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    index.push_back(position[i] * strides[i] + tap[i] * dilations[i] - pad_low[i]);
    if (index.back() < 0 || index.back() >= sizes[i]) return std::nullopt;
  }
  return index;
}

}  // namespace mica::ir
