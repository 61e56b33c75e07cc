// Poolings of torch.nn.functional: NCHW. A missing stride is the kernel size.
#pragma once
#include <array>

#include "mica/tensor.h"

namespace mica::F {

template <int N>
struct MaxPoolOptions {
  std::optional<Ints<N>> stride = {};
  Ints<N> padding = 0, dilation = 1;
  bool ceil_mode = false;                   // a last window may reach beyond the padding, but not start in it
  bool return_indices = false;              // of modules; functions of two results are called ..._with_indices
  std::optional<Ints<N>> output_size = {};  // of unpooling: where it is not what windows without remainder give
};
template <int N>
struct FractionalMaxPoolOptions {  // either of the first two
  std::optional<Ints<N>> output_size = {};
  std::optional<std::array<double, N>> output_ratio = {};
  bool return_indices = false;  // of modules
  Tensor random_samples = {};   // [batch, channels, N] in [0, 1): where windows lie; drawn where there are none
};
template <int N>
struct AvgPoolOptions {
  std::optional<Ints<N>> stride = {};
  Ints<N> padding = 0;
  bool ceil_mode = false, count_include_pad = true;
  std::optional<std::int64_t> divisor_override = {};
};
template <int N>
struct LpPoolOptions {
  std::optional<Ints<N>> stride = {};
  bool ceil_mode = false;
};
Tensor max_pool1d(const Tensor& x, Ints<1> kernel_size, MaxPoolOptions<1> options = {});
Tensor max_pool2d(const Tensor& x, Ints<2> kernel_size, MaxPoolOptions<2> options = {});
Tensor max_pool3d(const Tensor& x, Ints<3> kernel_size, MaxPoolOptions<3> options = {});
// With the row-major spatial position of each maximum.
MaxResult max_pool1d_with_indices(const Tensor& x, Ints<1> kernel_size, MaxPoolOptions<1> options = {});
MaxResult max_pool2d_with_indices(const Tensor& x, Ints<2> kernel_size, MaxPoolOptions<2> options = {});
MaxResult max_pool3d_with_indices(const Tensor& x, Ints<3> kernel_size, MaxPoolOptions<3> options = {});
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, Ints<1> kernel_size, MaxPoolOptions<1> options = {});
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, Ints<2> kernel_size, MaxPoolOptions<2> options = {});
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, Ints<3> kernel_size, MaxPoolOptions<3> options = {});
Tensor fractional_max_pool2d(const Tensor& x, Ints<2> kernel_size, FractionalMaxPoolOptions<2> options);
Tensor fractional_max_pool3d(const Tensor& x, Ints<3> kernel_size, FractionalMaxPoolOptions<3> options);
MaxResult fractional_max_pool2d_with_indices(const Tensor& x, Ints<2> kernel_size, FractionalMaxPoolOptions<2> options);
MaxResult fractional_max_pool3d_with_indices(const Tensor& x, Ints<3> kernel_size, FractionalMaxPoolOptions<3> options);
Tensor avg_pool1d(const Tensor& x, Ints<1> kernel_size, AvgPoolOptions<1> options = {});
Tensor avg_pool2d(const Tensor& x, Ints<2> kernel_size, AvgPoolOptions<2> options = {});
Tensor avg_pool3d(const Tensor& x, Ints<3> kernel_size, AvgPoolOptions<3> options = {});
Tensor lp_pool1d(const Tensor& x, double norm_type, Ints<1> kernel_size, LpPoolOptions<1> options = {});
Tensor lp_pool2d(const Tensor& x, double norm_type, Ints<2> kernel_size, LpPoolOptions<2> options = {});
Tensor lp_pool3d(const Tensor& x, double norm_type, Ints<3> kernel_size, LpPoolOptions<3> options = {});
Tensor adaptive_avg_pool1d(const Tensor& x, Ints<1> output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, Ints<2> output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, Ints<3> output_size);
Tensor adaptive_max_pool1d(const Tensor& x, Ints<1> output_size);
Tensor adaptive_max_pool2d(const Tensor& x, Ints<2> output_size);
Tensor adaptive_max_pool3d(const Tensor& x, Ints<3> output_size);
MaxResult adaptive_max_pool1d_with_indices(const Tensor& x, Ints<1> output_size);
MaxResult adaptive_max_pool2d_with_indices(const Tensor& x, Ints<2> output_size);
MaxResult adaptive_max_pool3d_with_indices(const Tensor& x, Ints<3> output_size);

}  // namespace mica::F
