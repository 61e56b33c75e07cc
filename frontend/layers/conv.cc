// Convolutions: plain, depthwise and separable.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/conv_base.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/convolution.h"

namespace mica::inline layers {
namespace {

using namespace internal;

class ConvLayer final : public ConvBase {
 public:
  ConvLayer(Common common, std::int64_t filters, std::int64_t groups, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), filters_(filters), groups_(groups) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("filters", filters_);
    size_fields(v);
    v.field("data_format", o_.data_format);
    v.field("dilation_rate", o_.dilations);
    v.field("groups", groups_);
    value_fields(v);
  }

 protected:
  void settle() override {
    ConvBase::settle();
    if (spatial_rank() == 1) {
      expect_choice("padding", o_.padding, {"valid", "same", "causal"});
    } else {
      expect_choice("padding", o_.padding, {"valid", "same"});
    }
    expect_strides_or_dilations();
    expect_positive("filters", filters_);
    expect_positive("groups", groups_);
    if (filters_ % groups_ != 0)
      fail(absl::StrCat("filters to be a multiple of ", groups_, " groups"), absl::StrCat(filters_));
  }
  void make_weights(const std::vector<Shape>& inputs) override {
    std::int64_t channels = input_channels(inputs[0]);
    if (channels % groups_ != 0) {
      fail(absl::StrCat("an input whose channels are a multiple of ", groups_, " groups"),
           absl::StrCat(channels, " channels, ", inputs[0].to_string()));
    }
    kernel_ = add_kernel(0, "kernel", o_.size, channels / groups_, filters_);
    add_bias(filters_);
  }
  Tensor forward(const Tensor& x) override { return finished(convolved(prepared(x), kernel_, groups_)); }

 private:
  std::int64_t filters_, groups_;
  Variable kernel_;
};

// A convolution of every channel by itself: as many groups as channels.
class DepthwiseBase : public ConvBase {
 protected:
  DepthwiseBase(Common common, std::int64_t multiplier, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), multiplier_(multiplier) {}

  void settle() override {
    ConvBase::settle();
    expect_choice("padding", o_.padding, {"valid", "same"});
    expect_positive("depth_multiplier", multiplier_);
  }
  void make_depthwise_kernel(std::string name, std::int64_t channels) {
    channels_ = channels;
    depthwise_kernel_ = add_kernel(0, std::move(name), o_.size, channels_, multiplier_);
  }
  std::int64_t multiplied_channels() const { return channels_ * multiplier_; }
  Tensor depthwise(const Tensor& x) const {
    Sizes grouped = o_.size;
    grouped.insert(grouped.end(), {1, multiplied_channels()});
    return convolved(x, depthwise_kernel_.reshape(Shape(grouped)), channels_);
  }

  std::int64_t multiplier_;

 private:
  std::int64_t channels_ = 0;
  Variable depthwise_kernel_;
};

class DepthwiseConvLayer final : public DepthwiseBase {
 public:
  DepthwiseConvLayer(Common common, std::int64_t multiplier, ConvFields fields)
      : DepthwiseBase(std::move(common), multiplier, std::move(fields)) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("depth_multiplier", multiplier_);
    size_fields(v);
    v.field("data_format", o_.data_format);
    v.field("dilation_rate", o_.dilations);
    value_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    make_depthwise_kernel("kernel", input_channels(inputs[0]));
    add_bias(multiplied_channels());
  }
  Tensor forward(const Tensor& x) override { return finished(depthwise(prepared(x))); }
};

// A depthwise convolution, then one of window 1 that mixes the channels.
class SeparableConvLayer final : public DepthwiseBase {
 public:
  SeparableConvLayer(Common common, std::int64_t filters, std::int64_t multiplier, ConvFields fields)
      : DepthwiseBase(std::move(common), multiplier, std::move(fields)), filters_(filters) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("depth_multiplier", multiplier_);
    v.field("filters", filters_);
    size_fields(v);
    v.field("data_format", o_.data_format);
    v.field("dilation_rate", o_.dilations);
    value_fields(v);
  }

 protected:
  void settle() override {
    DepthwiseBase::settle();
    expect_positive("filters", filters_);
  }
  void make_weights(const std::vector<Shape>& inputs) override {
    make_depthwise_kernel("depthwise_kernel", input_channels(inputs[0]));
    pointwise_kernel_ = add_kernel(1, "pointwise_kernel", Sizes(o_.size.size(), 1), multiplied_channels(), filters_);
    add_bias(filters_);
  }
  Tensor forward(const Tensor& x) override {
    return finished(apply("conv", {depthwise(prepared(x)), pointwise_kernel_}));
  }

 private:
  std::int64_t filters_;
  Variable pointwise_kernel_;
};

template <int N>
std::shared_ptr<BuiltinLayer> make_conv(const char* name, std::int64_t filters, const Ints<N>& size,
                                        const ConvOptions<N>& o) {
  KernelFields kernel{"kernel", o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint};
  return std::make_shared<ConvLayer>(conv_common(name, o), filters, o.groups,
                                     conv_fields(size, o, {std::move(kernel)}));
}
template <class Options>
KernelFields depthwise_kernel(const Options& o) {
  return {"depthwise", o.depthwise_initializer, o.depthwise_regularizer, o.depthwise_constraint};
}
template <int N>
std::shared_ptr<BuiltinLayer> make_depthwise(const char* name, const Ints<N>& size, const DepthwiseConvOptions<N>& o) {
  return std::make_shared<DepthwiseConvLayer>(conv_common(name, o), o.depth_multiplier,
                                              conv_fields(size, o, {depthwise_kernel(o)}));
}
template <int N>
std::shared_ptr<BuiltinLayer> make_separable(const char* name, std::int64_t filters, const Ints<N>& size,
                                             const SeparableConvOptions<N>& o) {
  KernelFields pointwise{"pointwise", o.pointwise_initializer, o.pointwise_regularizer, o.pointwise_constraint};
  return std::make_shared<SeparableConvLayer>(conv_common(name, o), filters, o.depth_multiplier,
                                              conv_fields(size, o, {depthwise_kernel(o), std::move(pointwise)}));
}

}  // namespace

Conv1D::Conv1D(std::int64_t filters, Ints<1> size, ConvOptions<1> options)
    : Layer(make_conv("Conv1D", filters, size, options)) {}
Conv2D::Conv2D(std::int64_t filters, Ints<2> size, ConvOptions<2> options)
    : Layer(make_conv("Conv2D", filters, size, options)) {}
Conv3D::Conv3D(std::int64_t filters, Ints<3> size, ConvOptions<3> options)
    : Layer(make_conv("Conv3D", filters, size, options)) {}
DepthwiseConv1D::DepthwiseConv1D(Ints<1> size, DepthwiseConvOptions<1> options)
    : Layer(make_depthwise("DepthwiseConv1D", size, options)) {}
DepthwiseConv2D::DepthwiseConv2D(Ints<2> size, DepthwiseConvOptions<2> options)
    : Layer(make_depthwise("DepthwiseConv2D", size, options)) {}
SeparableConv1D::SeparableConv1D(std::int64_t filters, Ints<1> size, SeparableConvOptions<1> options)
    : Layer(make_separable("SeparableConv1D", filters, size, options)) {}
SeparableConv2D::SeparableConv2D(std::int64_t filters, Ints<2> size, SeparableConvOptions<2> options)
    : Layer(make_separable("SeparableConv2D", filters, size, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> convolution_layers() {
  return {
      {"Conv1D", [] { return layers::make_conv<1>("Conv1D", 1, 1, {}); }},
      {"Conv2D", [] { return layers::make_conv<2>("Conv2D", 1, 1, {}); }},
      {"Conv3D", [] { return layers::make_conv<3>("Conv3D", 1, 1, {}); }},
      {"DepthwiseConv1D", [] { return layers::make_depthwise<1>("DepthwiseConv1D", 1, {}); }},
      {"DepthwiseConv2D", [] { return layers::make_depthwise<2>("DepthwiseConv2D", 1, {}); }},
      {"SeparableConv1D", [] { return layers::make_separable<1>("SeparableConv1D", 1, 1, {}); }},
      {"SeparableConv2D", [] { return layers::make_separable<2>("SeparableConv2D", 1, 1, {}); }},
  };
}

}  // namespace mica::internal
