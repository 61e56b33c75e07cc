// Transposed convolutions.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/conv_base.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/convolution.h"

namespace mica::inline layers {
namespace {

using namespace internal;

class ConvTransposeLayer final : public ConvBase {
 public:
  ConvTransposeLayer(Common common, std::int64_t filters, std::optional<Sizes> output_padding, ConvFields fields)
      : ConvBase(std::move(common), std::move(fields)), filters_(filters), output_padding_(std::move(output_padding)) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("filters", filters_);
    size_fields(v);
    v.field("output_padding", output_padding_);
    v.field("data_format", o_.data_format);
    v.field("dilation_rate", o_.dilations);
    value_fields(v);
  }

 protected:
  void settle() override {
    ConvBase::settle();
    expect_choice("padding", o_.padding, {"valid", "same"});
    expect_strides_or_dilations();
    expect_positive("filters", filters_);
    if (!output_padding_) return;
    expect_count("output_padding", *output_padding_, spatial_rank());
    for (std::size_t i = 0; i < output_padding_->size(); ++i) {
      std::int64_t padding = (*output_padding_)[i], stride = o_.strides[i];
      if (padding >= 0 && padding < stride) continue;
      fail(absl::StrCat("output_padding of at least 0 and below the stride of ", stride), absl::StrCat(padding));
    }
  }
  void make_weights(const std::vector<Shape>& inputs) override {
    kernel_ = add_kernel(0, "kernel", o_.size, filters_, input_channels(inputs[0]));
    add_bias(filters_);
  }

  // The gradient of a convolution from the result's shape to the input's.
  Tensor forward(const Tensor& x) override {
    Tensor input = prepared(x);
    ir::Dims spatial;
    PadSizes padding;
    ir::Dims from = spatial_dims(input);
    for (std::size_t i = 0; i < from.size(); ++i) {
      Growth axis = growth(i);
      spatial.push_back(from[i] * ir::Dim(o_.strides[i]) + axis.added);
      if (spatial[i].is_static() && spatial[i].value() < 1)
        fail("options that leave something of the result", absl::StrCat("a size of ", spatial[i].value()));
      padding.low.push_back(axis.low);
      padding.high.push_back(std::max<std::int64_t>(0, extent(i) - o_.strides[i] - axis.added - axis.low));
    }
    return finished(apply("conv_grad_input", {input, kernel_},
                          {{"strides", o_.strides},
                           {"dilations", o_.dilations},
                           {"pad_low", padding.low},
                           {"pad_high", padding.high},
                           {"spatial", std::move(spatial)}}));
  }

 private:
  // An axis of n elements becomes n * stride + added ones; `low` is the padding before it.
  struct Growth {
    std::int64_t added, low;
  };
  Growth growth(std::size_t i) const {
    std::int64_t stride = o_.strides[i], window = extent(i);
    std::optional<std::int64_t> extra;
    if (output_padding_) extra = (*output_padding_)[i];
    if (o_.padding == "valid") return {window - stride + extra.value_or(std::max(window, stride) - window), 0};
    std::int64_t total = extra ? window + window % 2 - 2 + *extra : stride + window - 2;
    std::int64_t left = std::min((total + 1) / 2, window - 1);
    return {extra ? window % 2 + *extra - stride : 0, window - 1 - left};
  }

  std::int64_t filters_;
  std::optional<Sizes> output_padding_;
  Variable kernel_;
};

template <int N>
std::shared_ptr<BuiltinLayer> make_transpose(const char* name, std::int64_t filters, const Ints<N>& size,
                                             const ConvTransposeOptions<N>& o) {
  KernelFields kernel{"kernel", o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint};
  std::optional<Sizes> output_padding;
  if (o.output_padding) output_padding = internal::to_vector(*o.output_padding);
  return std::make_shared<ConvTransposeLayer>(conv_common(name, o), filters, std::move(output_padding),
                                              conv_fields(size, o, {std::move(kernel)}));
}

}  // namespace

Conv1DTranspose::Conv1DTranspose(std::int64_t filters, Ints<1> size, ConvTransposeOptions<1> options)
    : Layer(make_transpose("Conv1DTranspose", filters, size, options)) {}
Conv2DTranspose::Conv2DTranspose(std::int64_t filters, Ints<2> size, ConvTransposeOptions<2> options)
    : Layer(make_transpose("Conv2DTranspose", filters, size, options)) {}
Conv3DTranspose::Conv3DTranspose(std::int64_t filters, Ints<3> size, ConvTransposeOptions<3> options)
    : Layer(make_transpose("Conv3DTranspose", filters, size, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> transposed_convolution_layers() {
  return {{"Conv1DTranspose", [] { return layers::make_transpose<1>("Conv1DTranspose", 1, 1, {}); }},
          {"Conv2DTranspose", [] { return layers::make_transpose<2>("Conv2DTranspose", 1, 1, {}); }},
          {"Conv3DTranspose", [] { return layers::make_transpose<3>("Conv3DTranspose", 1, 1, {}); }}};
}

}  // namespace mica::internal
