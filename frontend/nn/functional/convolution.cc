#include "frontend/mica/functional/convolution.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// OIHW -> HWIO.
Tensor kernel_last(const Tensor& weight) {
  std::vector<std::int64_t> order;
  for (int i = 2; i < weight.dim(); ++i) order.push_back(i);
  order.insert(order.end(), {1, 0});
  return weight.permute(order);
}

// Runs `f` on a batch: an input without one gets it for the call.
template <class F>
Tensor on_batch(const Tensor& x, int rank, F f) {
  if (x.dim() == rank - 1) return f(x.unsqueeze(0)).squeeze(0);
  expect_rank(x, "an input", rank);
  return f(x);
}

// An operation on a batch of NCHW and a weight of OIHW, with the attributes that it has on this batch.
template <int N, class AttrsOn>
Tensor convolved(const char* operation, const Tensor& x, const Tensor& weight, const Tensor& bias, AttrsOn attrs_on) {
  expect_rank(weight, "a weight", N + 2);
  return on_batch(x, N + 2, [&](const Tensor& batch) {
    Tensor y = apply(operation, {channels_last(batch), kernel_last(weight)}, attrs_on(batch));
    return channels_first(bias.defined() ? y + bias : y);
  });
}

// What plain and transposed convolutions have in common.
template <class Options>
ir::Attrs attrs_of(const Options& options, ir::Ints low, ir::Ints high) {
  return {{"strides", list_of(options.stride)},
          {"dilations", list_of(options.dilation)},
          {"pad_low", std::move(low)},
          {"pad_high", std::move(high)},
          {"groups", options.groups}};
}

template <int N>
Tensor conv(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions<N>& options) {
  FunctionScope scope(of_rank<N>("F::conv"));
  const std::string& mode = options.padding.mode();
  if (!mode.empty()) expect_choice("padding", mode, {"same", "valid"});
  return convolved<N>("conv", x, weight, bias, [&](const Tensor&) {
    ir::Ints low, high;
    for (int i = 0; i < N; ++i) {
      std::int64_t extent = (weight.size(i + 2) - 1) * options.dilation[i];
      bool same = mode == "same";
      if (same && options.stride[i] != 1) {
        fail_call("a stride of 1 with padding \"same\"", absl::StrCat(options.stride[i]));
      }
      low.push_back(same ? extent / 2 : options.padding[i]);
      high.push_back(same ? extent - extent / 2 : options.padding[i]);
    }
    return attrs_of(options, low, high);
  });
}

// The weight is the kernel of the convolution whose gradient this is.
template <int N>
Tensor conv_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvTransposeOptions<N>& options) {
  FunctionScope scope(of_rank<N>("F::conv_transpose"));
  return convolved<N>("conv_grad_input", x, weight, bias, [&](const Tensor& batch) {
    ir::Dims spatial;
    for (int i = 0; i < N; ++i) {
      std::int64_t reach = (weight.size(i + 2) - 1) * options.dilation[i];
      std::int64_t rest = reach + options.output_padding[i] + 1 - 2 * options.padding[i];
      spatial.push_back((dims_of(batch)[at(i + 2)] - 1) * ir::Dim(options.stride[i]) + rest);
    }
    ir::Attrs attrs = attrs_of(options, list_of(options.padding), list_of(options.padding));
    attrs.set("spatial", spatial);
    return attrs;
  });
}

// Positions [windows, taps] along an axis of `size` elements with `padding` at both ends: which element of the padded
// axis each tap of each window reads.
struct AxisWindows {
  std::int64_t count;
  std::vector<std::int64_t> positions;
  AxisWindows(std::int64_t size, std::int64_t taps, std::int64_t dilation, std::int64_t padding, std::int64_t stride)
      : count((size + 2 * padding - dilation * (taps - 1) - 1) / stride + 1) {
    for (std::int64_t window = 0; window < count; ++window) {
      for (std::int64_t tap = 0; tap < taps; ++tap) positions.push_back(window * stride + tap * dilation);
    }
  }
  Tensor tensor_of(std::int64_t taps) const { return tensor(positions, {count, taps}); }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  FunctionScope scope("F::linear");
  if (x.dim() < 1 || weight.dim() != 2 || x.size(-1) != weight.size(1)) {
    fail_call(absl::StrCat("a last dimension of ", weight.size(-1), ", that of the weight"), internal::describe(x));
  }
  bool row = x.dim() == 1;
  Tensor y = apply("matmul", {row ? x.unsqueeze(0) : x, weight}, {{"transpose_b", true}});
  if (bias.defined()) y = y + bias;
  return row ? y.squeeze(0) : y;
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  FunctionScope scope("F::bilinear");
  expect_rank(weight, "a weight", 3);
  Tensor left = apply("matmul", {x1.unsqueeze(-2).unsqueeze(-2), weight});  // [..., out, 1, in2]
  Tensor y = (left.squeeze(-2) * x2.unsqueeze(-2)).sum(-1);
  return bias.defined() ? y + bias : y;
}

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<1> options) {
  return conv<1>(x, weight, bias, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<2> options) {
  return conv<2>(x, weight, bias, options);
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions<3> options) {
  return conv<3>(x, weight, bias, options);
}
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<1> options) {
  return conv_transpose<1>(x, weight, bias, options);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<2> options) {
  return conv_transpose<2>(x, weight, bias, options);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvTransposeOptions<3> options) {
  return conv_transpose<3>(x, weight, bias, options);
}

Tensor unfold(const Tensor& x, Ints<2> kernel_size, FoldOptions<2> options) {
  FunctionScope scope("F::unfold");
  return on_batch(x, 4, [&](const Tensor& batch) {
    Tensor y = pad(batch, {options.padding[1], options.padding[1], options.padding[0], options.padding[0]});
    std::int64_t positions = 1;
    for (int i = 1; i >= 0; --i) {  // [N, C, window, tap, window, tap]
      AxisWindows windows(known_size(batch, i + 2), kernel_size[i], options.dilation[i], options.padding[i],
                          options.stride[i]);
      y = apply("gather", {y, windows.tensor_of(kernel_size[i])}, {{"axis", std::int64_t{i + 2}}});
      positions *= windows.count;
    }
    std::int64_t rows = known_size(batch, 1) * kernel_size[0] * kernel_size[1];
    ir::Dims dims{dims_of(batch)[0], ir::Dim(rows), ir::Dim(positions)};
    return internal::reshape_dims(y.permute({0, 1, 3, 5, 2, 4}), dims);
  });
}

Tensor fold(const Tensor& x, Ints<2> output_size, Ints<2> kernel_size, FoldOptions<2> options) {
  FunctionScope scope("F::fold");
  return on_batch(x, 3, [&](const Tensor& batch) {
    AxisWindows rows(output_size[0], kernel_size[0], options.dilation[0], options.padding[0], options.stride[0]);
    AxisWindows columns(output_size[1], kernel_size[1], options.dilation[1], options.padding[1], options.stride[1]);
    std::int64_t channels = known_size(batch, 1) / (kernel_size[0] * kernel_size[1]);
    ir::Dims dims{dims_of(batch)[0],       ir::Dim(channels),   ir::Dim(kernel_size[0]),
                  ir::Dim(kernel_size[1]), ir::Dim(rows.count), ir::Dim(columns.count)};
    Tensor y = internal::reshape_dims(batch, dims).permute({0, 1, 4, 2, 5, 3});  // [N, C, window, tap, window, tap]
    // One axis at a time: each tap of each window is added where it was read.
    auto added = [&](const Tensor& taps, const AxisWindows& windows, int i, const ir::Dims& around) {
      ir::Dims padded = around;
      padded[at(i + 2)] = ir::Dim(output_size[i] + 2 * options.padding[i]);
      Tensor zeros = apply("constant", {}, {{"value", 0.0}, {"dtype", x.dtype()}, {"shape", padded}});
      Tensor sums =
          apply("scatter_add", {zeros, windows.tensor_of(kernel_size[i]), taps}, {{"axis", std::int64_t{i + 2}}});
      return sums.narrow(i + 2, options.padding[i], output_size[i]);
    };
    Tensor by_rows = added(y, rows, 0, {dims[0], dims[1], ir::Dim(0), dims[5], dims[3]});  // [N, C, H, window, tap]
    return added(by_rows, columns, 1, {dims[0], dims[1], ir::Dim(output_size[0]), ir::Dim(0)});
  });
}

}  // namespace mica::F
