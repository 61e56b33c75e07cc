// Padding, resizing and shuffling.
#include "frontend/mica/functional/image.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// Where each element of a padded axis comes from.
std::vector<std::int64_t> sources(std::int64_t size, std::int64_t low, std::int64_t high, const std::string& mode) {
  std::vector<std::int64_t> from;
  for (std::int64_t i = -low; i < size + high; ++i) {
    if (mode == "circular") from.push_back((i % size + size) % size);
    if (mode == "replicate") from.push_back(std::clamp<std::int64_t>(i, 0, size - 1));
    if (mode == "reflect") from.push_back(size - 1 - std::abs(size - 1 - std::abs(i)));
  }
  return from;
}

Tensor padded_axis(const Tensor& x, int axis, std::int64_t low, std::int64_t high, const std::string& mode) {
  std::int64_t size = known_size(x, axis), most = mode == "reflect" ? size - 1 : size;
  if (mode != "replicate" && (low > most || high > most)) {
    fail_call(absl::StrCat("padding of axis ", axis, " by at most ", most, " with mode ", mode),
              absl::StrCat(low, " and ", high));
  }
  // A negative size cuts off.
  std::vector<std::int64_t> from = sources(size, low, high, mode);
  auto count = static_cast<std::int64_t>(from.size());
  return apply("gather", {x, tensor(from, {count})}, {{"axis", std::int64_t{axis}}});
}

Tensor constant_pad(const Tensor& x, const std::vector<std::int64_t>& sizes, double value) {
  auto rank = at(x.dim());
  ir::Dims low(rank, ir::Dim(0)), high = low;
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    low[rank - 1 - i] = ir::Dim(sizes[2 * i]);
    high[rank - 1 - i] = ir::Dim(sizes[2 * i + 1]);
  }
  return apply("pad", {x}, {{"low", low}, {"high", high}, {"value", value}});
}

// The three last axes split, the parts in another order, and joined to three again.
Tensor rearranged(const Tensor& x, const ir::Dims& split, std::initializer_list<std::int64_t> order,
                  const ir::Dims& joined) {
  const ir::Dims dims = dims_of(x), lead(dims.begin(), dims.end() - 3);
  auto behind_lead = [&](const ir::Dims& last) {
    ir::Dims all = lead;
    all.insert(all.end(), last.begin(), last.end());
    return all;
  };
  auto first = static_cast<std::int64_t>(lead.size());
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 0; i < first; ++i) axes.push_back(i);
  for (std::int64_t i : order) axes.push_back(first + i);
  return internal::reshape_dims(internal::reshape_dims(x, behind_lead(split)).permute(axes), behind_lead(joined));
}

}  // namespace

Tensor pad(const Tensor& x, std::initializer_list<std::int64_t> sizes, PadOptions options) {
  return pad(x, std::vector<std::int64_t>(sizes), std::move(options));
}

Tensor pad(const Tensor& x, const std::vector<std::int64_t>& sizes, PadOptions options) {
  FunctionScope scope("F::pad");
  expect_choice("mode", options.mode, {"constant", "reflect", "replicate", "circular"});
  if (sizes.size() % 2 != 0 || sizes.size() > 2 * at(x.dim())) {
    fail_call(absl::StrCat("pairs of sizes for at most ", x.dim(), " axes"), absl::StrCat(sizes.size(), " sizes"));
  }
  if (options.mode == "constant") return constant_pad(x, sizes, options.value);
  Tensor y = x;
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    y = padded_axis(y, x.dim() - 1 - static_cast<int>(i), sizes[2 * i], sizes[2 * i + 1], options.mode);
  }
  return y;
}

Tensor interpolate(const Tensor& x, InterpolateOptions options) {
  FunctionScope scope("F::interpolate");
  const std::string& mode = options.mode;
  expect_choice("mode", mode, {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"});
  if (x.dim() < 3 || x.dim() > 5) fail_call("an input of rank 3, 4 or 5", internal::describe(x));
  std::size_t rank = at(x.dim() - 2);
  if (options.size.empty() == !options.scale_factor.has_value()) {
    fail_call("either size or scale_factor", options.scale_factor ? "both" : "neither");
  }
  if (options.size.size() > 1 && options.size.size() != rank) {
    fail_call(absl::StrCat("a size of ", rank, " numbers"), absl::StrCat(options.size.size()));
  }
  ir::Dims size;
  for (std::size_t i = 0; i < rank; ++i) {
    if (options.scale_factor) {
      double scaled = static_cast<double>(known_size(x, static_cast<int>(i) + 2)) * *options.scale_factor;
      size.emplace_back(static_cast<std::int64_t>(std::floor(scaled)));
    } else {
      size.emplace_back(options.size.size() == 1 ? options.size[0] : options.size[i]);
    }
  }
  // A given factor is used as it is for the coordinates.
  bool exact = options.scale_factor && !options.recompute_scale_factor;
  const char* method = mode.starts_with("nearest") ? "nearest"
                       : mode == "bicubic"         ? "cubic"
                       : mode == "area"            ? "area"
                                                   : "linear";
  const char* coordinates = options.align_corners ? "align_corners" : mode == "nearest" ? "asymmetric" : "half_pixel";
  ir::Attrs attrs = {{"size", size},
                     {"method", std::string(method)},
                     {"coordinates", std::string(coordinates)},
                     {"scale", exact ? ir::Doubles(rank, *options.scale_factor) : ir::Doubles()},
                     {"antialias", options.antialias},
                     {"cubic_slope", options.antialias ? -0.5 : -0.75},
                     {"border", std::string(options.antialias ? "inside" : "repeat")}};
  return channels_first(apply("resize", {channels_last(x)}, std::move(attrs)));
}

Tensor pixel_shuffle(const Tensor& x, std::int64_t r) {
  FunctionScope scope("F::pixel_shuffle");
  if (x.dim() < 3 || r < 1 || known_size(x, -3) % (r * r) != 0) {
    fail_call(absl::StrCat("channels that are a multiple of ", r * r), internal::describe(x));
  }
  const ir::Dims dims = dims_of(x);
  const ir::Dim height = dims[dims.size() - 2], width = dims.back();
  ir::Dim factor(r), fewer(x.size(-3) / (r * r));
  return rearranged(x, {fewer, factor, factor, height, width}, {0, 3, 1, 4, 2},
                    {fewer, height * factor, width * factor});
}

Tensor pixel_unshuffle(const Tensor& x, std::int64_t r) {
  FunctionScope scope("F::pixel_unshuffle");
  if (x.dim() < 3 || r < 1 || known_size(x, -2) % r != 0 || known_size(x, -1) % r != 0) {
    fail_call(absl::StrCat("a height and a width that are multiples of ", r), internal::describe(x));
  }
  const ir::Dim channels = dims_of(x)[at(x.dim() - 3)];
  ir::Dim factor(r), lower(x.size(-2) / r), narrower(x.size(-1) / r);
  return rearranged(x, {channels, lower, factor, narrower, factor}, {0, 2, 4, 1, 3},
                    {channels * factor * factor, lower, narrower});
}

Tensor channel_shuffle(const Tensor& x, std::int64_t groups) {
  FunctionScope scope("F::channel_shuffle");
  if (x.dim() < 3 || groups < 1 || known_size(x, 1) % groups != 0) {
    fail_call(absl::StrCat("channels that are a multiple of ", groups), internal::describe(x));
  }
  ir::Dims split = dims_of(x);
  split[1] = ir::Dim(x.size(1) / groups);
  split.insert(split.begin() + 1, ir::Dim(groups));
  return internal::reshape_dims(internal::reshape_dims(x, split).transpose(1, 2), dims_of(x));
}

}  // namespace mica::F
