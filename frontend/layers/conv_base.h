// ConvBase: what every convolution layer has, for one, two and three spatial axes: windows, kernels, bias, activation.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontend/layers/builtin.h"
#include "frontend/layers/window.h"

namespace mica::internal {

// The options of one kernel; Keras calls them `kernel_initializer`, `depthwise_initializer`, ….
struct KernelFields {
  KernelFields(const std::string& prefix, Initializer i, Regularizer r, Constraint c)
      : initializer_name(prefix + "_initializer"),
        regularizer_name(prefix + "_regularizer"),
        constraint_name(prefix + "_constraint"),
        initializer(std::move(i)),
        regularizer(std::move(r)),
        constraint(std::move(c)) {}

  std::string initializer_name, regularizer_name, constraint_name;
  Initializer initializer;
  Regularizer regularizer;
  Constraint constraint;
};

struct ConvFields {
  Sizes size, strides, dilations;
  std::string padding = "valid", data_format = "channels_last";
  std::vector<KernelFields> kernels;
  ActivationFn activation = {};
  bool use_bias = true;
  Initializer bias_initializer = "zeros";
  Regularizer bias_regularizer = {};
  Constraint bias_constraint = {};
};

// What all option structs share; the kernels differ.
template <int N, class Options>
ConvFields conv_fields(const Ints<N>& size, const Options& o, std::vector<KernelFields> kernels) {
  return {.size = to_vector(size),
          .strides = to_vector(o.strides),
          .dilations = to_vector(o.dilation_rate),
          .padding = o.padding,
          .data_format = o.data_format,
          .kernels = std::move(kernels),
          .activation = o.activation,
          .use_bias = o.use_bias,
          .bias_initializer = o.bias_initializer,
          .bias_regularizer = o.bias_regularizer,
          .bias_constraint = o.bias_constraint};
}

template <class Options>
BuiltinLayer::Common conv_common(std::string_view class_name, const Options& o) {
  return {class_name, o.name, o.trainable, o.dtype, o.activity_regularizer};
}

class ConvBase : public BuiltinLayer {
 protected:
  ConvBase(Common common, ConvFields fields);

  void settle() override;
  // kernel_size and strides; activation to the end. What stands between differs.
  void size_fields(FieldVisitor& v);
  void value_fields(FieldVisitor& v);

  int rank() const { return spatial_rank_ + 2; }
  int spatial_rank() const { return spatial_rank_; }
  int channel_axis() const { return o_.data_format == "channels_last" ? -1 : 1; }
  std::int64_t input_channels(const Shape& input) const;
  // The input's elements from the first to the last tap of a window, along a spatial axis.
  std::int64_t extent(std::size_t axis) const { return (o_.size[axis] - 1) * o_.dilations[axis] + 1; }

  // A kernel [window…, first, second] with the options of `o_.kernels[which]`.
  Variable add_kernel(std::size_t which, std::string name, Sizes window, std::int64_t first, std::int64_t second);
  void add_bias(std::int64_t outputs);

  // Channels-last input of the compute dtype, of the rank and with the channels that the layer was built on.
  Tensor prepared(const Tensor& x) const;
  // The convolution of a prepared input, padded as the options say.
  Tensor convolved(const Tensor& x, const Tensor& kernel, std::int64_t groups) const;
  // Bias, the data format of the options, activation.
  Tensor finished(Tensor y) const;
  // Keras' limit of most convolutions: strides or dilations, not both.
  void expect_strides_or_dilations() const;

  ConvFields o_;

 private:
  int spatial_rank_;
  Variable bias_;
};

}  // namespace mica::internal
