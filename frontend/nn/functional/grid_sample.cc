// grid_sample and affine_grid: reading an image at positions which are data.
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/mica/functional/image.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// A position in pixels from one in [-1, 1].
Tensor in_pixels(const Tensor& position, std::int64_t size, bool align_corners) {
  double length = static_cast<double>(size);
  return align_corners ? (position + 1) * ((length - 1) / 2) : ((position + 1) * length - 1) / 2;
}

// x thrown back at both ends until it lies between them.
Tensor reflected(const Tensor& x, double low, double high) {
  double span = high - low;
  if (span <= 0) return zeros_like(x);
  Tensor away = (x - low).abs(), times = apply("stop_gradient", {(away / span).floor()});
  Tensor rest = away - times * span, is_even = times - (times / 2).floor() * 2 == 0;
  return where(is_even, rest + low, high - rest);
}

class Sampler {
 public:
  Sampler(const Tensor& x, const GridSampleOptions& options) : x_(x), options_(options), rank_(x.dim() - 2) {}

  // grid [N, out…, rank], its last axis from the last spatial axis of x to the first.
  Tensor sample(const Tensor& grid) const {
    std::vector<Tensor> pixels;
    for (int i = 0; i < rank_; ++i) {
      Tensor position = grid.select(-1, rank_ - 1 - i);
      pixels.push_back(in_pixels(position, size(i), options_.align_corners));
    }
    if (options_.mode == "bicubic") return bicubic(pixels[0], pixels[1]);
    for (int i = 0; i < rank_; ++i) pixels[at(i)] = within(pixels[at(i)], i);
    if (options_.mode == "nearest") {
      std::vector<Tensor> nearest;
      for (const Tensor& pixel : pixels) nearest.push_back(pixel.round());
      return read(nearest);
    }
    return linear(pixels);
  }

 private:
  std::int64_t size(int axis) const { return known_size(x_, axis + 2); }

  // A position as padding_mode says: in the image, or left where it is and read as zero.
  Tensor within(const Tensor& pixel, int axis) const {
    double last = static_cast<double>(size(axis) - 1);
    if (options_.padding_mode == "zeros") return pixel;
    if (options_.padding_mode == "border") return bounded(pixel, last);
    Tensor back = options_.align_corners ? reflected(pixel, 0, last) : reflected(pixel, -0.5, last + 0.5);
    return bounded(back, last);
  }
  // PyTorch's clip has no gradient at its bounds.
  static Tensor bounded(const Tensor& pixel, double last) {
    return where(pixel <= 0, 0, where(pixel >= last, last, pixel));
  }

  // The pixels at whole positions; 0 outside of the image.
  Tensor read(const std::vector<Tensor>& pixels) const {
    Tensor flat, inside;
    for (int i = 0; i < rank_; ++i) {
      const Tensor& pixel = pixels[at(i)];
      double last = static_cast<double>(size(i) - 1);
      Tensor here = logical_and(pixel >= 0, pixel <= last);
      inside = inside.defined() ? logical_and(inside, here) : here;
      Tensor place = where(here, pixel, 0).to(kInt64);
      flat = flat.defined() ? flat * size(i) + place : place;
    }
    // [N, 1, positions] for all channels alike.
    Tensor places = flat.flatten(1).unsqueeze(1);
    ir::Dims dims{dims_of(x_)[0], dims_of(x_)[1], dims_of(places)[2]}, result = {dims[0], dims[1]};
    result.insert(result.end(), dims_of(flat).begin() + 1, dims_of(flat).end());
    Tensor each = apply("broadcast_to", {places}, {{"shape", dims}});
    Tensor values = internal::reshape_dims(gather(x_.flatten(2), 2, each), result);
    return where(inside.unsqueeze(1), values, 0);
  }

  // The weighted corners around the positions.
  Tensor linear(const std::vector<Tensor>& pixels) const {
    Tensor sum;
    for (int corner = 0; corner < (1 << rank_); ++corner) {
      std::vector<Tensor> whole;
      Tensor weight;
      for (int i = 0; i < rank_; ++i) {
        Tensor low = apply("stop_gradient", {pixels[at(i)].floor()}), share = pixels[at(i)] - low;
        bool upper = (corner >> i & 1) != 0;
        whole.push_back(upper ? low + 1 : low);
        Tensor part = upper ? share : 1 - share;
        weight = weight.defined() ? weight * part : part;
      }
      Tensor term = read(whole) * weight.unsqueeze(1);
      sum = sum.defined() ? sum + term : term;
    }
    return sum;
  }

  // Keys' cubic with a = -0.75; what lies outside is made to lie inside pixel by pixel.
  static std::array<Tensor, 4> cubic_weights(const Tensor& share) {
    constexpr double kSlope = -0.75;
    auto near = [](const Tensor& d) { return ((kSlope + 2) * d - (kSlope + 3)) * d * d + 1; };
    auto far = [](const Tensor& d) { return ((kSlope * d - 5 * kSlope) * d + 8 * kSlope) * d - 4 * kSlope; };
    return {far(share + 1), near(share), near(1 - share), far(2 - share)};
  }
  Tensor bicubic(const Tensor& y, const Tensor& x) const {
    Tensor row = apply("stop_gradient", {y.floor()}), column = apply("stop_gradient", {x.floor()}), sum;
    std::array<Tensor, 4> of_rows = cubic_weights(y - row), of_columns = cubic_weights(x - column);
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        Tensor pixel = read({within(row + (i - 1), 0), within(column + (j - 1), 1)});
        Tensor term = pixel * (of_rows[at(i)] * of_columns[at(j)]).unsqueeze(1);
        sum = sum.defined() ? sum + term : term;
      }
    }
    return sum;
  }

  const Tensor& x_;
  const GridSampleOptions& options_;
  int rank_;
};

// Positions from -1 to 1 along an axis: of the pixels' centres, or with the outermost ones at the ends.
Tensor base_positions(std::int64_t size, bool align_corners, DType dtype) {
  std::vector<double> positions;
  for (std::int64_t i = 0; i < size; ++i) {
    double step = static_cast<double>(i), count = static_cast<double>(size);
    double ends = size > 1 ? 2 * step / (count - 1) - 1 : 0;
    positions.push_back(align_corners ? ends : (2 * step + 1) / count - 1);
  }
  return tensor(positions, {size}, {.dtype = dtype});
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, GridSampleOptions options) {
  FunctionScope scope("F::grid_sample");
  expect_choice("mode", options.mode, {"bilinear", "nearest", "bicubic"});
  expect_choice("padding_mode", options.padding_mode, {"zeros", "border", "reflection"});
  if (x.dim() != 4 && x.dim() != 5) fail_call("an input of rank 4 or 5", internal::describe(x));
  if (grid.dim() != x.dim() || grid.size(-1) != x.dim() - 2) {
    fail_call(absl::StrCat("a grid of rank ", x.dim(), " with ", x.dim() - 2, " coordinates"),
              internal::describe(grid));
  }
  if (options.mode == "bicubic" && x.dim() == 5) fail_call("mode bilinear or nearest on volumes", "\"bicubic\"");
  return Sampler(x, options).sample(grid);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
  FunctionScope scope("F::affine_grid");
  int rank = size.rank() - 2;
  if ((rank != 2 && rank != 3) || theta.dim() != 3 || theta.size(1) != rank || theta.size(2) != rank + 1) {
    fail_call("theta [N, 2, 3] for a size of 4 numbers, [N, 3, 4] for 5", internal::describe(theta));
  }
  Tensors coordinates;  // x first, then y, then z, then 1: [out…] each
  std::vector<std::int64_t> dims(size.begin() + 2, size.end());
  for (int i = rank - 1; i >= 0; --i) {
    Tensor positions = base_positions(size[i + 2], align_corners, theta.dtype());
    for (int j = i + 1; j < rank; ++j) positions = positions.unsqueeze(-1);
    coordinates.push_back(positions.expand(Shape(dims)));
  }
  coordinates.push_back(ones_like(coordinates[0]));
  Tensor points = stack(coordinates, -1).flatten(0, rank - 1);  // [positions, rank + 1]
  Tensor grid = apply("matmul", {points, theta}, {{"transpose_b", true}});
  ir::Dims result{dims_of(theta)[0]};
  for (std::int64_t dim : dims) result.emplace_back(dim);
  result.emplace_back(rank);
  return internal::reshape_dims(grid, result);
}

}  // namespace mica::F
