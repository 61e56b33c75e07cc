// Convolutions. data_format: "channels_last" or "channels_first".
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

template <int N>
struct ConvOptions {
  Ints<N> strides = 1;
  std::string padding = "valid", data_format = "channels_last";
  Ints<N> dilation_rate = 1;
  std::int64_t groups = 1;
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
template <int N>
struct ConvTransposeOptions {
  Ints<N> strides = 1;
  std::string padding = "valid";
  std::optional<Ints<N>> output_padding = {};
  std::string data_format = "channels_last";
  Ints<N> dilation_rate = 1;
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
template <int N>
struct DepthwiseConvOptions {
  Ints<N> strides = 1;
  std::string padding = "valid";
  std::int64_t depth_multiplier = 1;
  std::string data_format = "channels_last";
  Ints<N> dilation_rate = 1;
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint depthwise_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
template <int N>
struct SeparableConvOptions {
  Ints<N> strides = 1;
  std::string padding = "valid", data_format = "channels_last";
  Ints<N> dilation_rate = 1;
  std::int64_t depth_multiplier = 1;
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform", pointwise_initializer = "glorot_uniform",
              bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {}, pointwise_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint depthwise_constraint = {}, pointwise_constraint = {}, bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Conv1D : public Layer {
 public:
  Conv1D(std::int64_t filters, Ints<1> kernel_size, ConvOptions<1> options = {});
};
class Conv2D : public Layer {
 public:
  Conv2D(std::int64_t filters, Ints<2> kernel_size, ConvOptions<2> options = {});
};
class Conv3D : public Layer {
 public:
  Conv3D(std::int64_t filters, Ints<3> kernel_size, ConvOptions<3> options = {});
};
class Conv1DTranspose : public Layer {
 public:
  Conv1DTranspose(std::int64_t filters, Ints<1> kernel_size, ConvTransposeOptions<1> options = {});
};
class Conv2DTranspose : public Layer {
 public:
  Conv2DTranspose(std::int64_t filters, Ints<2> kernel_size, ConvTransposeOptions<2> options = {});
};
class Conv3DTranspose : public Layer {
 public:
  Conv3DTranspose(std::int64_t filters, Ints<3> kernel_size, ConvTransposeOptions<3> options = {});
};
class DepthwiseConv1D : public Layer {
 public:
  explicit DepthwiseConv1D(Ints<1> kernel_size, DepthwiseConvOptions<1> options = {});
};
class DepthwiseConv2D : public Layer {
 public:
  explicit DepthwiseConv2D(Ints<2> kernel_size, DepthwiseConvOptions<2> options = {});
};
class SeparableConv1D : public Layer {
 public:
  SeparableConv1D(std::int64_t filters, Ints<1> kernel_size, SeparableConvOptions<1> options = {});
};
class SeparableConv2D : public Layer {
 public:
  SeparableConv2D(std::int64_t filters, Ints<2> kernel_size, SeparableConvOptions<2> options = {});
};

}  // namespace layers
}  // namespace mica
