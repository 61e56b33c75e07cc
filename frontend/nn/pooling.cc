#include "frontend/mica/nn/pooling.h"

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using internal::function_of_tensors;
using internal::python_text;
using internal::stateless_module;

// PyTorch prints what it was given: one number where all axes have the same.
template <int N>
std::string given(const Ints<N>& sizes) {
  for (int i = 1; i < N; ++i) {
    if (sizes[i] != sizes[0]) return python_text(sizes);
  }
  return python_text(sizes[0]);
}

template <int N>
std::string max_pool_text(const Ints<N>& size, const F::MaxPoolOptions<N>& o) {
  return absl::StrCat("kernel_size=", given(size), ", stride=", given(o.stride.value_or(size)),
                      ", padding=", given(o.padding), ", dilation=", given(o.dilation),
                      ", ceil_mode=", python_text(o.ceil_mode));
}
// PyTorch's unpooling and one-dimensional average hold their sizes as tuples.
template <int N>
std::string tuple_text(const Ints<N>& size, const std::optional<Ints<N>>& stride, const Ints<N>& padding) {
  return absl::StrCat("kernel_size=", python_text(size), ", stride=", python_text(stride.value_or(size)),
                      ", padding=", python_text(padding));
}
template <int N>
std::string avg_pool_text(const Ints<N>& size, const F::AvgPoolOptions<N>& o) {
  if (N == 1) return tuple_text(size, o.stride, o.padding);
  return absl::StrCat("kernel_size=", given(size), ", stride=", given(o.stride.value_or(size)),
                      ", padding=", given(o.padding));
}
template <int N>
std::string lp_pool_text(double norm_type, const Ints<N>& size, const F::LpPoolOptions<N>& o) {
  return absl::StrCat("norm_type=", python_text(norm_type), ", kernel_size=", given(size),
                      ", stride=", o.stride ? given(*o.stride) : "None", ", ceil_mode=", python_text(o.ceil_mode));
}
template <int N>
std::string adaptive_text(const Ints<N>& size) {
  return absl::StrCat("output_size=", given(size));
}

}  // namespace

MaxPool1d::MaxPool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options)
    : Layer(stateless_module("MaxPool1d", max_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::max_pool1d(x, kernel_size, options); })) {}
MaxPool2d::MaxPool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options)
    : Layer(stateless_module("MaxPool2d", max_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::max_pool2d(x, kernel_size, options); })) {}
MaxPool3d::MaxPool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options)
    : Layer(stateless_module("MaxPool3d", max_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::max_pool3d(x, kernel_size, options); })) {}
MaxUnpool1d::MaxUnpool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options)
    : Layer(function_of_tensors(
          "MaxUnpool1d", tuple_text(kernel_size, options.stride, options.padding), 2,
          [=](const Tensors& xs) { return F::max_unpool1d(xs[0], xs[1], kernel_size, options); })) {}
MaxUnpool2d::MaxUnpool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options)
    : Layer(function_of_tensors(
          "MaxUnpool2d", tuple_text(kernel_size, options.stride, options.padding), 2,
          [=](const Tensors& xs) { return F::max_unpool2d(xs[0], xs[1], kernel_size, options); })) {}
MaxUnpool3d::MaxUnpool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options)
    : Layer(function_of_tensors(
          "MaxUnpool3d", tuple_text(kernel_size, options.stride, options.padding), 2,
          [=](const Tensors& xs) { return F::max_unpool3d(xs[0], xs[1], kernel_size, options); })) {}
AvgPool1d::AvgPool1d(Ints<1> kernel_size, F::AvgPoolOptions<1> options)
    : Layer(stateless_module("AvgPool1d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool1d(x, kernel_size, options); })) {}
AvgPool2d::AvgPool2d(Ints<2> kernel_size, F::AvgPoolOptions<2> options)
    : Layer(stateless_module("AvgPool2d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool2d(x, kernel_size, options); })) {}
AvgPool3d::AvgPool3d(Ints<3> kernel_size, F::AvgPoolOptions<3> options)
    : Layer(stateless_module("AvgPool3d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool3d(x, kernel_size, options); })) {}
LPPool1d::LPPool1d(double norm_type, Ints<1> kernel_size, F::LpPoolOptions<1> options)
    : Layer(stateless_module("LPPool1d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool1d(x, norm_type, kernel_size, options); })) {}
LPPool2d::LPPool2d(double norm_type, Ints<2> kernel_size, F::LpPoolOptions<2> options)
    : Layer(stateless_module("LPPool2d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool2d(x, norm_type, kernel_size, options); })) {}
LPPool3d::LPPool3d(double norm_type, Ints<3> kernel_size, F::LpPoolOptions<3> options)
    : Layer(stateless_module("LPPool3d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool3d(x, norm_type, kernel_size, options); })) {}
AdaptiveAvgPool1d::AdaptiveAvgPool1d(Ints<1> output_size)
    : Layer(stateless_module("AdaptiveAvgPool1d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool1d(x, output_size); })) {}
AdaptiveAvgPool2d::AdaptiveAvgPool2d(Ints<2> output_size)
    : Layer(stateless_module("AdaptiveAvgPool2d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool2d(x, output_size); })) {}
AdaptiveAvgPool3d::AdaptiveAvgPool3d(Ints<3> output_size)
    : Layer(stateless_module("AdaptiveAvgPool3d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool3d(x, output_size); })) {}
AdaptiveMaxPool1d::AdaptiveMaxPool1d(Ints<1> output_size)
    : Layer(stateless_module("AdaptiveMaxPool1d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_max_pool1d(x, output_size); })) {}
AdaptiveMaxPool2d::AdaptiveMaxPool2d(Ints<2> output_size)
    : Layer(stateless_module("AdaptiveMaxPool2d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_max_pool2d(x, output_size); })) {}
AdaptiveMaxPool3d::AdaptiveMaxPool3d(Ints<3> output_size)
    : Layer(stateless_module("AdaptiveMaxPool3d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_max_pool3d(x, output_size); })) {}

}  // namespace mica::nn
