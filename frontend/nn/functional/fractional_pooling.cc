// Fractional max pooling: windows of one size at uneven distances, drawn for every map.
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/mica/functional/pooling.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/pooling_support.h"

namespace mica::F {
namespace {

template <int N>
std::array<std::int64_t, N> output_sizes(const Tensor& x, const Ints<N>& window, const FractionalMaxPoolOptions<N>& o) {
  if (o.output_size.has_value() == o.output_ratio.has_value()) {
    fail_call("output_size or output_ratio", o.output_size ? "both" : "neither");
  }
  std::array<std::int64_t, N> sizes;
  for (int i = 0; i < N; ++i) {
    const std::int64_t in = known_size(x, i + 2);
    sizes[at(i)] = o.output_size ? (*o.output_size)[i]
                                 : static_cast<std::int64_t>(static_cast<double>(in) * (*o.output_ratio)[at(i)]);
    if (window[i] >= 1 && sizes[at(i)] >= 1 && sizes[at(i)] + window[i] - 1 <= in) continue;
    fail_call(absl::StrCat("windows of ", window[i], " that fit ", sizes[at(i)], " times into an axis of ", in),
              internal::describe(x));
  }
  return sizes;
}

Tensor counted(std::int64_t count, DType dtype) {
  return apply("iota", {}, {{"shape", ir::Dims{ir::Dim(count)}}, {"axis", std::int64_t{0}}, {"dtype", dtype}});
}

// Where the windows of each map begin: [batch, channels, out] of random numbers [batch, channels]. The last one ends
// with the axis.
Tensor window_starts(const Tensor& samples, std::int64_t in, std::int64_t out, std::int64_t window) {
  Tensor sample = samples.unsqueeze(-1);
  Tensor last = (sample * 0).to(kInt64) + (in - window);
  if (out == 1) return last;
  const double distance = static_cast<double>(in - window) / static_cast<double>(out - 1);
  Tensor starts = ((counted(out - 1, samples.dtype()) + sample) * distance).to(kInt64) - (sample * distance).to(kInt64);
  return cat({starts, last}, -1);
}

// The elements of an axis in its windows, window after window.
Tensor windows_of(const Tensor& x, int axis, const Tensor& starts, std::int64_t window) {
  Tensor positions = (starts.unsqueeze(-1) + counted(window, kInt64)).flatten(2);
  for (int i = 2; i < x.dim(); ++i) {
    if (i != axis) positions = positions.unsqueeze(i);
  }
  ir::Dims dims = dims_of(x);
  dims[at(axis)] = dims_of(positions)[at(axis)];
  return x.gather(axis, apply("broadcast_to", {positions}, {{"shape", dims}}));
}

// [batch, channels, out·window, …] to [batch, channels, out, …, all windows].
template <int N>
Tensor windows_last(const Tensor& x, const std::array<std::int64_t, N>& sizes, const Ints<N>& window) {
  ir::Dims split{dims_of(x)[0], dims_of(x)[1]};
  std::vector<std::int64_t> order{0, 1};
  for (int i = 0; i < N; ++i) {
    split.emplace_back(sizes[at(i)]);
    split.emplace_back(window[i]);
    order.push_back(2 + 2 * i);
  }
  for (int i = 0; i < N; ++i) order.push_back(3 + 2 * i);
  return internal::reshape_dims(x, split).permute(order).flatten(2 + N);
}

template <int N>
MaxResult pooled(const Tensor& x, const Ints<N>& window, const FractionalMaxPoolOptions<N>& o) {
  const std::array<std::int64_t, N> sizes = output_sizes<N>(x, window, o);
  ir::Dims of_maps{dims_of(x)[0], dims_of(x)[1], ir::Dim(N)};
  Tensor samples = o.random_samples.defined()
                       ? o.random_samples
                       : rand_like(apply("constant", {}, {{"value", 0.0}, {"dtype", x.dtype()}, {"shape", of_maps}}));
  Tensor values = x, positions = spatial_positions<N>(x);
  for (int i = 0; i < N; ++i) {
    // PyTorch's samples of images begin with the last axis, those of volumes with the first.
    Tensor sample = samples.select(-1, N == 2 ? 1 - i : i);
    Tensor starts = window_starts(sample, known_size(x, i + 2), sizes[at(i)], window[i]);
    values = windows_of(values, i + 2, starts, window[i]);
    positions = windows_of(positions, i + 2, starts, window[i]);
  }
  MaxResult best = windows_last<N>(values, sizes, window).max(-1);
  Tensor of_best = windows_last<N>(positions, sizes, window).gather(-1, best.indices.unsqueeze(-1)).squeeze(-1);
  return {best.values, of_best};
}

template <int N>
MaxResult fractional_max_pool(const Tensor& input, const Ints<N>& window, const FractionalMaxPoolOptions<N>& o,
                              bool with_indices) {
  FunctionScope scope(in_form<N>("F::fractional_max_pool", with_indices));
  expect_one_result(with_indices, o.return_indices);
  Tensor x = to_floating(input);
  if (x.dim() != N + 1) {
    expect_rank(x, "an input", N + 2);
    return pooled<N>(x, window, o);
  }
  MaxResult y = pooled<N>(x.unsqueeze(0), window, o);
  return {y.values.squeeze(0), y.indices.squeeze(0)};
}

}  // namespace

Tensor fractional_max_pool2d(const Tensor& x, Ints<2> kernel_size, FractionalMaxPoolOptions<2> options) {
  return fractional_max_pool<2>(x, kernel_size, options, false).values;
}
Tensor fractional_max_pool3d(const Tensor& x, Ints<3> kernel_size, FractionalMaxPoolOptions<3> options) {
  return fractional_max_pool<3>(x, kernel_size, options, false).values;
}
MaxResult fractional_max_pool2d_with_indices(const Tensor& x, Ints<2> kernel_size,
                                             FractionalMaxPoolOptions<2> options) {
  return fractional_max_pool<2>(x, kernel_size, options, true);
}
MaxResult fractional_max_pool3d_with_indices(const Tensor& x, Ints<3> kernel_size,
                                             FractionalMaxPoolOptions<3> options) {
  return fractional_max_pool<3>(x, kernel_size, options, true);
}

}  // namespace mica::F
