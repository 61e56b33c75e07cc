// Poolings: NCHW. A missing stride is the kernel size. With return_indices a module has two results, values and the
// row-major spatial position of each: auto [values, indices] = pool.apply<2>(x).
#pragma once
#include "mica/functional/pooling.h"
#include "mica/layer.h"

namespace mica::nn {

class MaxPool1d : public Layer {
 public:
  explicit MaxPool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options = {});
};
class MaxPool2d : public Layer {
 public:
  explicit MaxPool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options = {});
};
class MaxPool3d : public Layer {
 public:
  explicit MaxPool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options = {});
};
class MaxUnpool1d : public Layer {  // of two tensors: values and indices
 public:
  explicit MaxUnpool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<1>> output_size = {}) const;
};
class MaxUnpool2d : public Layer {
 public:
  explicit MaxUnpool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<2>> output_size = {}) const;
};
class MaxUnpool3d : public Layer {
 public:
  explicit MaxUnpool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<3>> output_size = {}) const;
};
class FractionalMaxPool2d : public Layer {
 public:
  FractionalMaxPool2d(Ints<2> kernel_size, F::FractionalMaxPoolOptions<2> options);
};
class FractionalMaxPool3d : public Layer {
 public:
  FractionalMaxPool3d(Ints<3> kernel_size, F::FractionalMaxPoolOptions<3> options);
};
class AvgPool1d : public Layer {
 public:
  explicit AvgPool1d(Ints<1> kernel_size, F::AvgPoolOptions<1> options = {});
};
class AvgPool2d : public Layer {
 public:
  explicit AvgPool2d(Ints<2> kernel_size, F::AvgPoolOptions<2> options = {});
};
class AvgPool3d : public Layer {
 public:
  explicit AvgPool3d(Ints<3> kernel_size, F::AvgPoolOptions<3> options = {});
};
class LPPool1d : public Layer {
 public:
  LPPool1d(double norm_type, Ints<1> kernel_size, F::LpPoolOptions<1> options = {});
};
class LPPool2d : public Layer {
 public:
  LPPool2d(double norm_type, Ints<2> kernel_size, F::LpPoolOptions<2> options = {});
};
class LPPool3d : public Layer {
 public:
  LPPool3d(double norm_type, Ints<3> kernel_size, F::LpPoolOptions<3> options = {});
};
class AdaptiveAvgPool1d : public Layer {
 public:
  explicit AdaptiveAvgPool1d(Ints<1> output_size);
};
class AdaptiveAvgPool2d : public Layer {
 public:
  explicit AdaptiveAvgPool2d(Ints<2> output_size);
};
class AdaptiveAvgPool3d : public Layer {
 public:
  explicit AdaptiveAvgPool3d(Ints<3> output_size);
};
struct AdaptiveMaxPoolOptions {
  bool return_indices = false;
};
class AdaptiveMaxPool1d : public Layer {
 public:
  explicit AdaptiveMaxPool1d(Ints<1> output_size, AdaptiveMaxPoolOptions options = {});
};
class AdaptiveMaxPool2d : public Layer {
 public:
  explicit AdaptiveMaxPool2d(Ints<2> output_size, AdaptiveMaxPoolOptions options = {});
};
class AdaptiveMaxPool3d : public Layer {
 public:
  explicit AdaptiveMaxPool3d(Ints<3> output_size, AdaptiveMaxPoolOptions options = {});
};

}  // namespace mica::nn
