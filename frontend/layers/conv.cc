// Convolutions: plain, transposed, depthwise; one, two and three spatial axes by the same code.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/convolution.h"

namespace mica::layers {
namespace {

using namespace internal;

// The options of every convolution, for any number of axes.
struct ConvFields {
  Sizes size, strides, dilations;
  std::string padding, data_format;
  std::int64_t groups = 1;
  ActivationFn activation;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer, bias_regularizer, activity_regularizer;
  Constraint kernel_constraint, bias_constraint;
};

template <int N, class Options>
ConvFields common_fields(const Ints<N>& size, const Options& o) {
  ConvFields fields;
  fields.size = internal::to_vector(size);
  fields.strides = internal::to_vector(o.strides);
  fields.dilations = internal::to_vector(o.dilation_rate);
  fields.padding = o.padding;
  fields.data_format = o.data_format;
  fields.activation = o.activation;
  fields.use_bias = o.use_bias;
  fields.bias_initializer = o.bias_initializer;
  fields.bias_regularizer = o.bias_regularizer;
  fields.activity_regularizer = o.activity_regularizer;
  fields.bias_constraint = o.bias_constraint;
  return fields;
}
template <int N, class Options>
ConvFields kernel_fields(const Ints<N>& size, const Options& o) {
  ConvFields fields = common_fields(size, o);
  fields.kernel_initializer = o.kernel_initializer;
  fields.kernel_regularizer = o.kernel_regularizer;
  fields.kernel_constraint = o.kernel_constraint;
  return fields;
}

class ConvBase : public BuiltinLayer {
 public:
  ConvBase(Common common, ConvFields fields) : BuiltinLayer(std::move(common)), o_(std::move(fields)) {
    for (std::int64_t size : o_.size) expect_positive("kernel_size", size);
    for (std::int64_t stride : o_.strides) expect_positive("strides", stride);
    for (std::int64_t dilation : o_.dilations) expect_positive("dilation_rate", dilation);
    expect_positive("groups", o_.groups);
    expect_choice("data_format", o_.data_format, {"channels_last", "channels_first"});
    if (o_.size.size() == 1) {
      expect_choice("padding", o_.padding, {"valid", "same", "causal"});
    } else {
      expect_choice("padding", o_.padding, {"valid", "same"});
    }
    state().activity_regularizer = o_.activity_regularizer.fn();
  }

 protected:
  int rank() const { return static_cast<int>(o_.size.size()) + 2; }
  int channel_axis() const { return o_.data_format == "channels_last" ? -1 : 1; }

  void window_fields(FieldVisitor& v) {
    v.field("kernel_size", o_.size);
    v.field("strides", o_.strides);
    v.field("padding", o_.padding);
    v.field("data_format", o_.data_format);
    v.field("dilation_rate", o_.dilations);
  }
  void bias_fields(FieldVisitor& v) {
    v.field("activation", o_.activation);
    v.field("use_bias", o_.use_bias);
    v.field("bias_initializer", o_.bias_initializer);
    v.field("bias_regularizer", o_.bias_regularizer);
    v.field("bias_constraint", o_.bias_constraint);
  }
  void kernel_fields_named(FieldVisitor& v, const char* prefix) {
    v.field(absl::StrCat(prefix, "_initializer"), o_.kernel_initializer);
    v.field(absl::StrCat(prefix, "_regularizer"), o_.kernel_regularizer);
    v.field(absl::StrCat(prefix, "_constraint"), o_.kernel_constraint);
  }

  // The window's sizes, then the two channel dims.
  void make_kernel(std::int64_t first, std::int64_t second, std::int64_t outputs) {
    std::vector<std::int64_t> shape = o_.size;
    shape.insert(shape.end(), {first, second});
    kernel_ = add_weight({.shape = Shape(std::move(shape)),
                          .initializer = o_.kernel_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = o_.kernel_regularizer,
                          .constraint = o_.kernel_constraint,
                          .name = "kernel"});
    if (!o_.use_bias) return;
    bias_ = add_weight({.shape = {outputs},
                        .initializer = o_.bias_initializer,
                        .dtype = weight_dtype(),
                        .regularizer = o_.bias_regularizer,
                        .constraint = o_.bias_constraint,
                        .name = "bias"});
  }

  std::int64_t input_channels(const Shape& input) const {
    expect_rank(input, rank());
    return known_dim(input, channel_axis());
  }

  // Channels-last input of the weights' dtype, of the rank and with the channels that the layer was built on.
  Tensor prepared(const Tensor& x) const {
    expect_rank(x.shape(), rank());
    const Shape& built = state_of(*this).build_shapes[0];
    if (x.size(channel_axis()) != built[channel_axis()]) {
      fail(absl::StrCat("an input of ", built[channel_axis()], " channels"), describe(x),
           absl::StrCat("The layer was built on ", built.to_string(), "; was it shared by mistake?"));
    }
    return channels_to_last(cast(x, kernel_.dtype()), o_.data_format);
  }

  Tensor finished(Tensor y) const {
    if (o_.use_bias) y = y + bias_;
    return o_.activation(channels_back(y, o_.data_format));
  }

  Tensor convolved(const Tensor& x, const Tensor& kernel, std::int64_t groups) const {
    ir::Dims spatial = spatial_dims(x);
    PadSizes padding = padding_of(o_.padding, spatial, o_.size, o_.strides, o_.dilations, name());
    check_window_fits(spatial, padding);
    return apply("conv", {x, kernel},
                 {{"strides", o_.strides},
                  {"dilations", o_.dilations},
                  {"pad_low", padding.low},
                  {"pad_high", padding.high},
                  {"groups", groups}});
  }

  void check_window_fits(const ir::Dims& spatial, const PadSizes& padding) const {
    for (std::size_t i = 0; i < spatial.size(); ++i) {
      std::int64_t extent = (o_.size[i] - 1) * o_.dilations[i] + 1;
      if (!spatial[i].is_static() || spatial[i].value() + padding.low[i] + padding.high[i] >= extent) continue;
      fail(absl::StrCat("an input of at least ", extent, " along axis ", i + 1, ", the size of the kernel"),
           spatial[i].to_string(), "Use padding \"same\", or a smaller kernel_size.");
    }
  }

  ConvFields o_;
  Variable kernel_, bias_;
};

class ConvLayer final : public ConvBase {
 public:
  ConvLayer(Common common, std::int64_t filters, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), filters_(filters) {
    expect_positive("filters", filters_);
    if (filters_ % o_.groups != 0)
      fail("filters to be a multiple of groups", absl::StrCat(filters_, " and ", o_.groups));
  }
  void fields(FieldVisitor& v) override {
    v.field("filters", filters_);
    window_fields(v);
    v.field("groups", o_.groups);
    kernel_fields_named(v, "kernel");
    bias_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    std::int64_t channels = input_channels(inputs[0]);
    if (channels % o_.groups != 0)
      fail(absl::StrCat("channels to be a multiple of ", o_.groups, " groups"), absl::StrCat(channels));
    make_kernel(channels / o_.groups, filters_, filters_);
  }
  Tensor forward(const Tensor& x) override { return finished(convolved(prepared(x), kernel_, o_.groups)); }

 private:
  std::int64_t filters_;
};

class DepthwiseConvLayer final : public ConvBase {
 public:
  DepthwiseConvLayer(Common common, std::int64_t multiplier, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), multiplier_(multiplier) {
    expect_positive("depth_multiplier", multiplier_);
  }
  void fields(FieldVisitor& v) override {
    window_fields(v);
    v.field("depth_multiplier", multiplier_);
    kernel_fields_named(v, "depthwise");
    bias_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    channels_ = input_channels(inputs[0]);
    make_kernel(channels_, multiplier_, channels_ * multiplier_);
  }
  // Every channel is a group of its own.
  Tensor forward(const Tensor& x) override {
    std::vector<std::int64_t> grouped = o_.size;
    grouped.insert(grouped.end(), {1, channels_ * multiplier_});
    return finished(convolved(prepared(x), kernel_.reshape(Shape(grouped)), channels_));
  }

 private:
  std::int64_t multiplier_, channels_ = 0;
};

class ConvTransposeLayer final : public ConvBase {
 public:
  ConvTransposeLayer(Common common, std::int64_t filters, std::optional<Sizes> output_padding, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), filters_(filters), output_padding_(std::move(output_padding)) {
    expect_positive("filters", filters_);
    for (std::size_t i = 0; output_padding_ && i < o_.size.size(); ++i) {
      if ((*output_padding_)[i] >= 0 && (*output_padding_)[i] < o_.strides[i]) continue;
      fail("output_padding from 0 to below the stride", absl::StrCat((*output_padding_)[i]));
    }
  }
  void fields(FieldVisitor& v) override {
    v.field("filters", filters_);
    window_fields(v);
    if (output_padding_) v.field("output_padding", *output_padding_);
    kernel_fields_named(v, "kernel");
    bias_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    make_kernel(filters_, input_channels(inputs[0]), filters_);
  }

  // The gradient of a convolution from the result's shape to the input's.
  Tensor forward(const Tensor& x) override {
    Tensor input = prepared(x);
    ir::Dims spatial;
    PadSizes padding;
    ir::Dims from = spatial_dims(input);
    for (std::size_t i = 0; i < from.size(); ++i) {
      Axis axis = axis_of(i);
      spatial.push_back(from[i] * ir::Dim(o_.strides[i]) + axis.growth);
      padding.low.push_back(axis.low);
      padding.high.push_back(std::max<std::int64_t>(0, axis.extent - o_.strides[i] - axis.growth - axis.low));
    }
    return finished(apply("conv_grad_input", {input, kernel_},
                          {{"strides", o_.strides},
                           {"dilations", o_.dilations},
                           {"pad_low", padding.low},
                           {"pad_high", padding.high},
                           {"spatial", std::move(spatial)}}));
  }

 private:
  // The result is n * stride + growth long; `low` is the padding before it.
  struct Axis {
    std::int64_t extent, growth, low;
  };
  Axis axis_of(std::size_t i) const {
    std::int64_t stride = o_.strides[i], extent = (o_.size[i] - 1) * o_.dilations[i] + 1;
    std::optional<std::int64_t> extra;
    if (output_padding_) extra = (*output_padding_)[i];
    if (o_.padding == "valid") {
      return {extent, extent - stride + extra.value_or(std::max(extent, stride) - extent), 0};
    }
    std::int64_t total = extra ? extent + extent % 2 - 2 + *extra : stride + extent - 2;
    std::int64_t left = std::min((total + 1) / 2, extent - 1);
    return {extent, extra ? extent % 2 + *extra - stride : 0, extent - 1 - left};
  }

  std::int64_t filters_;
  std::optional<Sizes> output_padding_;
};

template <int N>
std::shared_ptr<CustomLayer> make_conv(const char* name, std::int64_t filters, Ints<N> size, ConvOptions<N> o) {
  ConvFields fields = kernel_fields(size, o);
  fields.groups = o.groups;
  return std::make_shared<ConvLayer>(BuiltinLayer::Common{name, o.name, o.trainable, o.dtype}, filters, fields);
}
template <int N>
std::shared_ptr<CustomLayer> make_transpose(const char* name, std::int64_t filters, Ints<N> size,
                                            ConvTransposeOptions<N> o) {
  std::optional<Sizes> output_padding;
  if (o.output_padding) output_padding = internal::to_vector(*o.output_padding);
  return std::make_shared<ConvTransposeLayer>(BuiltinLayer::Common{name, o.name, o.trainable, o.dtype}, filters,
                                              output_padding, kernel_fields(size, o));
}
template <int N>
std::shared_ptr<CustomLayer> make_depthwise(const char* name, Ints<N> size, DepthwiseConvOptions<N> o) {
  ConvFields fields = common_fields(size, o);
  fields.kernel_initializer = o.depthwise_initializer;
  fields.kernel_regularizer = o.depthwise_regularizer;
  fields.kernel_constraint = o.depthwise_constraint;
  return std::make_shared<DepthwiseConvLayer>(BuiltinLayer::Common{name, o.name, o.trainable, o.dtype},
                                              o.depth_multiplier, fields);
}

}  // namespace

Conv1D::Conv1D(std::int64_t filters, Ints<1> size, ConvOptions<1> options)
    : Layer(make_conv("Conv1D", filters, size, std::move(options))) {}
Conv2D::Conv2D(std::int64_t filters, Ints<2> size, ConvOptions<2> options)
    : Layer(make_conv("Conv2D", filters, size, std::move(options))) {}
Conv3D::Conv3D(std::int64_t filters, Ints<3> size, ConvOptions<3> options)
    : Layer(make_conv("Conv3D", filters, size, std::move(options))) {}
Conv1DTranspose::Conv1DTranspose(std::int64_t filters, Ints<1> size, ConvTransposeOptions<1> options)
    : Layer(make_transpose("Conv1DTranspose", filters, size, std::move(options))) {}
Conv2DTranspose::Conv2DTranspose(std::int64_t filters, Ints<2> size, ConvTransposeOptions<2> options)
    : Layer(make_transpose("Conv2DTranspose", filters, size, std::move(options))) {}
Conv3DTranspose::Conv3DTranspose(std::int64_t filters, Ints<3> size, ConvTransposeOptions<3> options)
    : Layer(make_transpose("Conv3DTranspose", filters, size, std::move(options))) {}
DepthwiseConv1D::DepthwiseConv1D(Ints<1> size, DepthwiseConvOptions<1> options)
    : Layer(make_depthwise("DepthwiseConv1D", size, std::move(options))) {}
DepthwiseConv2D::DepthwiseConv2D(Ints<2> size, DepthwiseConvOptions<2> options)
    : Layer(make_depthwise("DepthwiseConv2D", size, std::move(options))) {}

}  // namespace mica::layers
