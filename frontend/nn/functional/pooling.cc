#include "frontend/mica/functional/pooling.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/nn/functional/pooling_support.h"

namespace mica::F {
namespace {

// The windows of a pooling. With ceil_mode the last one may reach `beyond` the padding, but not start in it.
struct Windows {
  ir::Ints size, stride, padding, dilation, beyond;

  ir::Attrs attrs(bool with_padding = true) const {
    ir::Ints low = with_padding ? padding : ir::Ints(padding.size(), 0), high = low;
    for (std::size_t i = 0; i < high.size(); ++i) high[i] += beyond[i];
    return {{"window", size}, {"strides", stride}, {"dilations", dilation}, {"pad_low", low}, {"pad_high", high}};
  }
};

template <int N>
Windows windows_over(const Tensor& x, const Ints<N>& size, const std::optional<Ints<N>>& stride, const Ints<N>& padding,
                     const Ints<N>& dilation, bool ceil_mode) {
  Windows windows{list_of(size), list_of(stride.value_or(size)), list_of(padding), list_of(dilation), ir::Ints(N, 0)};
  for (int i = 0; i < N; ++i) {
    if (size[i] < 1 || windows.stride[at(i)] < 1) fail_call("windows and strides of at least 1", absl::StrCat(size[i]));
    if (2 * padding[i] > size[i]) {
      fail_call("padding of at most half of the kernel size",
                absl::StrCat("padding ", padding[i], ", kernel size ", size[i]));
    }
    if (!ceil_mode) continue;
    std::int64_t length = known_size(x, i + 2), step = windows.stride[at(i)];
    std::int64_t span = length + 2 * padding[i] - dilation[i] * (size[i] - 1) - 1, count = span / step + 1;
    if (span % step != 0 && count * step < length + padding[i]) ++count;
    windows.beyond[at(i)] = std::max<std::int64_t>(0, (count - 1) * step - span);
  }
  return windows;
}

// Runs `f` on a batch of rank N + 2; an input without one gets it for the call.
template <int N, class F>
auto on_batch(const Tensor& x, F f) {
  if (x.dim() == N + 1) return f(x.unsqueeze(0), true);
  expect_rank(x, "an input", N + 2);
  return f(x, false);
}

template <int N>
MaxResult max_pool(const Tensor& x, const Ints<N>& size, const MaxPoolOptions<N>& o, bool with_indices) {
  FunctionScope scope(in_form<N>("F::max_pool", with_indices));
  expect_one_result(with_indices, o.return_indices);
  return on_batch<N>(x, [&](const Tensor& batch, bool added) {
    Tensor last = channels_last(to_floating(batch));
    ir::Attrs attrs = windows_over<N>(batch, size, o.stride, o.padding, o.dilation, o.ceil_mode).attrs();
    Tensor y = apply("max_pool", {last}, attrs);
    auto back = [&](const Tensor& result) {
      return added ? channels_first(result).squeeze(0) : channels_first(result);
    };
    if (!with_indices) return MaxResult{back(y), {}};
    return MaxResult{back(y), back(internal::cast(apply("max_pool_index", {last, y}, attrs), kInt64))};
  });
}

// Each value goes to the place in a map of zeros that its index names.
template <int N>
Tensor max_unpool(const Tensor& x, const Tensor& indices, const Ints<N>& size, const MaxPoolOptions<N>& o) {
  FunctionScope scope(of_rank<N>("F::max_unpool"));
  return on_batch<N>(x, [&](const Tensor& batch, bool added) {
    Ints<N> stride = o.stride.value_or(size);
    ir::Dims flat{dims_of(batch)[0], dims_of(batch)[1], ir::Dim(1)}, dims = {flat[0], flat[1]};
    for (int i = 0; i < N; ++i) {
      ir::Dim usual = (dims_of(batch)[at(i + 2)] - 1) * ir::Dim(stride[i]) + (size[i] - 2 * o.padding[i]);
      dims.push_back(o.output_size ? ir::Dim((*o.output_size)[i]) : usual);
      flat[2] = flat[2] * dims.back();
    }
    Tensor zeros = apply("constant", {}, {{"value", 0.0}, {"dtype", x.dtype()}, {"shape", flat}});
    Tensor places = added ? indices.unsqueeze(0) : indices;
    Tensor y = apply("scatter_elements_add", {zeros, places.flatten(2), batch.flatten(2)}, {{"axis", std::int64_t{2}}});
    y = internal::reshape_dims(y, dims);
    return added ? y.squeeze(0) : y;
  });
}

template <int N>
Tensor avg_pool(const Tensor& x, const Ints<N>& size, const AvgPoolOptions<N>& o) {
  FunctionScope scope(of_rank<N>("F::avg_pool"));
  return on_batch<N>(x, [&](const Tensor& batch, bool added) {
    Windows windows = windows_over<N>(batch, size, o.stride, o.padding, 1, o.ceil_mode);
    Tensor last = channels_last(to_floating(batch)), y;
    if (o.divisor_override) {
      y = apply("sum_pool", {last}, windows.attrs()) / *o.divisor_override;
    } else if (o.count_include_pad && o.ceil_mode) {  // padding counts, what lies beyond it does not
      ir::Dims sizes{ir::Dim(0)};
      for (std::int64_t padding : windows.padding) sizes.emplace_back(padding);
      sizes.emplace_back(0);
      Tensor padded = apply("pad", {last}, {{"low", sizes}, {"high", sizes}});
      y = apply("avg_pool", {padded}, windows.attrs(false));
    } else {
      ir::Attrs attrs = windows.attrs();
      attrs.set("count_include_pad", o.count_include_pad);
      y = apply("avg_pool", {last}, attrs);
    }
    return added ? channels_first(y).squeeze(0) : channels_first(y);
  });
}

template <int N>
Tensor lp_pool(const Tensor& x, double p, const Ints<N>& size, const LpPoolOptions<N>& o) {
  FunctionScope scope(of_rank<N>("F::lp_pool"));
  return on_batch<N>(x, [&](const Tensor& batch, bool added) {
    Windows windows = windows_over<N>(batch, size, o.stride, 0, 1, o.ceil_mode);
    Tensor sums = apply("sum_pool", {channels_last(to_floating(batch).pow(p))}, windows.attrs());
    Tensor y = channels_first(sums.pow(1 / p));
    return added ? y.squeeze(0) : y;
  });
}

// Every output position has its own window: the part of an axis that it sees.
struct Part {
  std::int64_t first, length;
};
std::vector<Part> adaptive_parts(std::int64_t in, std::int64_t out) {
  std::vector<Part> parts;
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t first = o * in / out, last = ((o + 1) * in + out - 1) / out;
    parts.push_back({first, last - first});
  }
  return parts;
}

// Folds the windows of each spatial axis, the last one first: of equal maxima the first in row-major order counts.
template <int N, class Fold>
void fold_adaptively(const Tensor& x, const Ints<N>& output_size, Fold fold) {
  if (x.dim() != N + 1) expect_rank(x, "an input", N + 2);
  for (int i = N - 1, axis = x.dim() - 1; i >= 0; --i, --axis) {
    const std::int64_t in = known_size(x, axis);
    fold(axis, adaptive_parts(in, output_size[i] == kAny ? in : output_size[i]));
  }
}

template <int N>
Tensor adaptive_avg_pool(const Tensor& input, const Ints<N>& output_size) {
  FunctionScope scope(of_rank<N>("F::adaptive_avg_pool"));
  Tensor x = to_floating(input);
  fold_adaptively<N>(x, output_size, [&](int axis, const std::vector<Part>& parts) {
    Tensors means;
    for (const Part& part : parts) {
      means.push_back(x.narrow(axis, part.first, part.length).mean(axis, {.keepdim = true}));
    }
    x = cat(means, axis);
  });
  return x;
}

template <int N>
MaxResult adaptive_max_pool(const Tensor& input, const Ints<N>& output_size, bool with_indices) {
  FunctionScope scope(in_form<N>("F::adaptive_max_pool", with_indices));
  MaxResult y{to_floating(input), {}};
  if (with_indices) y.indices = spatial_positions<N>(y.values);
  fold_adaptively<N>(y.values, output_size, [&](int axis, const std::vector<Part>& parts) {
    Tensors values, indices;
    for (const Part& part : parts) {
      MaxResult best = y.values.narrow(axis, part.first, part.length).max(axis, {.keepdim = true});
      values.push_back(best.values);
      if (with_indices) indices.push_back(y.indices.narrow(axis, part.first, part.length).gather(axis, best.indices));
    }
    y.values = cat(values, axis);
    if (with_indices) y.indices = cat(indices, axis);
  });
  return y;
}

}  // namespace

Tensor max_pool1d(const Tensor& x, Ints<1> kernel_size, MaxPoolOptions<1> options) {
  return max_pool<1>(x, kernel_size, options, false).values;
}
Tensor max_pool2d(const Tensor& x, Ints<2> kernel_size, MaxPoolOptions<2> options) {
  return max_pool<2>(x, kernel_size, options, false).values;
}
Tensor max_pool3d(const Tensor& x, Ints<3> kernel_size, MaxPoolOptions<3> options) {
  return max_pool<3>(x, kernel_size, options, false).values;
}
MaxResult max_pool1d_with_indices(const Tensor& x, Ints<1> kernel_size, MaxPoolOptions<1> options) {
  return max_pool<1>(x, kernel_size, options, true);
}
MaxResult max_pool2d_with_indices(const Tensor& x, Ints<2> kernel_size, MaxPoolOptions<2> options) {
  return max_pool<2>(x, kernel_size, options, true);
}
MaxResult max_pool3d_with_indices(const Tensor& x, Ints<3> kernel_size, MaxPoolOptions<3> options) {
  return max_pool<3>(x, kernel_size, options, true);
}
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, Ints<1> kernel_size, MaxPoolOptions<1> options) {
  return max_unpool<1>(x, indices, kernel_size, options);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, Ints<2> kernel_size, MaxPoolOptions<2> options) {
  return max_unpool<2>(x, indices, kernel_size, options);
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, Ints<3> kernel_size, MaxPoolOptions<3> options) {
  return max_unpool<3>(x, indices, kernel_size, options);
}
Tensor avg_pool1d(const Tensor& x, Ints<1> kernel_size, AvgPoolOptions<1> options) {
  return avg_pool<1>(x, kernel_size, options);
}
Tensor avg_pool2d(const Tensor& x, Ints<2> kernel_size, AvgPoolOptions<2> options) {
  return avg_pool<2>(x, kernel_size, options);
}
Tensor avg_pool3d(const Tensor& x, Ints<3> kernel_size, AvgPoolOptions<3> options) {
  return avg_pool<3>(x, kernel_size, options);
}
Tensor lp_pool1d(const Tensor& x, double norm_type, Ints<1> kernel_size, LpPoolOptions<1> options) {
  return lp_pool<1>(x, norm_type, kernel_size, options);
}
Tensor lp_pool2d(const Tensor& x, double norm_type, Ints<2> kernel_size, LpPoolOptions<2> options) {
  return lp_pool<2>(x, norm_type, kernel_size, options);
}
Tensor lp_pool3d(const Tensor& x, double norm_type, Ints<3> kernel_size, LpPoolOptions<3> options) {
  return lp_pool<3>(x, norm_type, kernel_size, options);
}
Tensor adaptive_avg_pool1d(const Tensor& x, Ints<1> output_size) { return adaptive_avg_pool<1>(x, output_size); }
Tensor adaptive_avg_pool2d(const Tensor& x, Ints<2> output_size) { return adaptive_avg_pool<2>(x, output_size); }
Tensor adaptive_avg_pool3d(const Tensor& x, Ints<3> output_size) { return adaptive_avg_pool<3>(x, output_size); }
Tensor adaptive_max_pool1d(const Tensor& x, Ints<1> output_size) {
  return adaptive_max_pool<1>(x, output_size, false).values;
}
Tensor adaptive_max_pool2d(const Tensor& x, Ints<2> output_size) {
  return adaptive_max_pool<2>(x, output_size, false).values;
}
Tensor adaptive_max_pool3d(const Tensor& x, Ints<3> output_size) {
  return adaptive_max_pool<3>(x, output_size, false).values;
}

MaxResult adaptive_max_pool1d_with_indices(const Tensor& x, Ints<1> output_size) {
  return adaptive_max_pool<1>(x, output_size, true);
}
MaxResult adaptive_max_pool2d_with_indices(const Tensor& x, Ints<2> output_size) {
  return adaptive_max_pool<2>(x, output_size, true);
}
MaxResult adaptive_max_pool3d_with_indices(const Tensor& x, Ints<3> output_size) {
  return adaptive_max_pool<3>(x, output_size, true);
}

}  // namespace mica::F
