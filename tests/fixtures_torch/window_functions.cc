// Convolutions, poolings and columns of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

template <int N>
F::ConvOptions<N> conv_options(const Call& c) {
  F::ConvOptions<N> o{
      .stride = c.ints<N>("stride"), .dilation = c.ints<N>("dilation"), .groups = c.integer("groups", 1)};
  if (c.is_tensor("padding")) {  // a text
    o.padding = Padding<N>(c.text("padding", "").c_str());
  } else {
    Ints<N> sizes = c.ints<N>("padding", 0);
    if constexpr (N == 1) o.padding = sizes[0];
    if constexpr (N == 2) o.padding = {sizes[0], sizes[1]};
    if constexpr (N == 3) o.padding = {sizes[0], sizes[1], sizes[2]};
  }
  return o;
}

template <int N>
F::ConvTransposeOptions<N> transpose_options(const Call& c) {
  return {c.ints<N>("stride"), c.ints<N>("padding", 0), c.ints<N>("output_padding", 0), c.integer("groups", 1),
          c.ints<N>("dilation")};
}

template <int N, class Conv>
Function convolution(Conv conv) {
  return {{"input", "weight", "bias"}, [conv](Call& c) -> Tensors {
            return {conv(c.tensor("input"), c.tensor("weight"), c.tensor("bias"), conv_options<N>(c))};
          }};
}
template <int N, class Conv>
Function transposed(Conv conv) {
  return {{"input", "weight", "bias"}, [conv](Call& c) -> Tensors {
            return {conv(c.tensor("input"), c.tensor("weight"), c.tensor("bias"), transpose_options<N>(c))};
          }};
}

template <int N>
F::MaxPoolOptions<N> max_options(const Call& c) {
  return {c.maybe_ints<N>("stride"), c.ints<N>("padding", 0), c.ints<N>("dilation"), c.flag("ceil_mode")};
}
template <int N>
F::AvgPoolOptions<N> avg_options(const Call& c) {
  return {c.maybe_ints<N>("stride"), c.ints<N>("padding", 0), c.flag("ceil_mode"), c.flag("count_include_pad", true),
          c.maybe_integer("divisor_override")};
}

const std::vector<std::string> kPoolParameters = {"input", "kernel_size", "stride", "padding"};

template <int N, class Pool, class PoolWithIndices>
Function max_pooling(Pool pool, PoolWithIndices with_indices) {
  return {kPoolParameters, [=](Call& c) -> Tensors {
            Tensor x = c.tensor("input");
            if (!c.flag("return_indices")) return {pool(x, c.ints<N>("kernel_size"), max_options<N>(c))};
            MaxResult both = with_indices(x, c.ints<N>("kernel_size"), max_options<N>(c));
            return {both.values, both.indices};
          }};
}
template <int N, class Pool>
Function max_unpooling(Pool pool) {
  return {{"input", "indices", "kernel_size", "stride", "padding"}, [=](Call& c) -> Tensors {
            return {pool(c.tensor("input"), c.tensor("indices"), c.ints<N>("kernel_size"), max_options<N>(c))};
          }};
}
template <int N, class Pool>
Function avg_pooling(Pool pool) {
  return {kPoolParameters,
          [=](Call& c) -> Tensors { return {pool(c.tensor("input"), c.ints<N>("kernel_size"), avg_options<N>(c))}; }};
}
template <int N, class Pool>
Function power_pooling(Pool pool) {
  return {{"input", "norm_type", "kernel_size", "stride"}, [=](Call& c) -> Tensors {
            return {pool(c.tensor("input"), c.number("norm_type", 2), c.ints<N>("kernel_size"),
                         {.stride = c.maybe_ints<N>("stride"), .ceil_mode = c.flag("ceil_mode")})};
          }};
}
template <int N, class Pool>
Function adaptive_pooling(Pool pool) {
  return {{"input", "output_size"},
          [=](Call& c) -> Tensors { return {pool(c.tensor("input"), c.ints<N>("output_size"))}; }};
}

F::FoldOptions<2> fold_options(const Call& c) {
  return {c.ints<2>("dilation"), c.ints<2>("padding", 0), c.ints<2>("stride")};
}

}  // namespace

void add_window_functions(Table& t) {
  t["F.conv1d"] = convolution<1>(F::conv1d);
  t["F.conv2d"] = convolution<2>(F::conv2d);
  t["F.conv3d"] = convolution<3>(F::conv3d);
  t["F.conv_transpose1d"] = transposed<1>(F::conv_transpose1d);
  t["F.conv_transpose2d"] = transposed<2>(F::conv_transpose2d);
  t["F.conv_transpose3d"] = transposed<3>(F::conv_transpose3d);
  t["F.max_pool1d"] = max_pooling<1>(F::max_pool1d, F::max_pool1d_with_indices);
  t["F.max_pool2d"] = max_pooling<2>(F::max_pool2d, F::max_pool2d_with_indices);
  t["F.max_pool3d"] = max_pooling<3>(F::max_pool3d, F::max_pool3d_with_indices);
  t["F.max_unpool1d"] = max_unpooling<1>(F::max_unpool1d);
  t["F.max_unpool2d"] = max_unpooling<2>(F::max_unpool2d);
  t["F.max_unpool3d"] = max_unpooling<3>(F::max_unpool3d);
  t["F.avg_pool1d"] = avg_pooling<1>(F::avg_pool1d);
  t["F.avg_pool2d"] = avg_pooling<2>(F::avg_pool2d);
  t["F.avg_pool3d"] = avg_pooling<3>(F::avg_pool3d);
  t["F.lp_pool1d"] = power_pooling<1>(F::lp_pool1d);
  t["F.lp_pool2d"] = power_pooling<2>(F::lp_pool2d);
  t["F.lp_pool3d"] = power_pooling<3>(F::lp_pool3d);
  t["F.adaptive_avg_pool1d"] = adaptive_pooling<1>(F::adaptive_avg_pool1d);
  t["F.adaptive_avg_pool2d"] = adaptive_pooling<2>(F::adaptive_avg_pool2d);
  t["F.adaptive_avg_pool3d"] = adaptive_pooling<3>(F::adaptive_avg_pool3d);
  t["F.adaptive_max_pool1d"] = adaptive_pooling<1>(F::adaptive_max_pool1d);
  t["F.adaptive_max_pool2d"] = adaptive_pooling<2>(F::adaptive_max_pool2d);
  t["F.adaptive_max_pool3d"] = adaptive_pooling<3>(F::adaptive_max_pool3d);
  t["F.unfold"] = {{"input", "kernel_size", "dilation", "padding", "stride"}, [](Call& c) -> Tensors {
                     return {F::unfold(c.tensor("input"), c.ints<2>("kernel_size"), fold_options(c))};
                   }};
  t["F.fold"] = {
      {"input", "output_size", "kernel_size", "dilation", "padding", "stride"}, [](Call& c) -> Tensors {
        return {F::fold(c.tensor("input"), c.ints<2>("output_size"), c.ints<2>("kernel_size"), fold_options(c))};
      }};
}

}  // namespace mica::torch_fixtures
