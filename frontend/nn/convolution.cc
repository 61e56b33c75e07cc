#include "frontend/mica/nn/convolution.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functional/image.h"
#include "frontend/mica/nn/lazy.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

template <int N>
bool is_all(const Ints<N>& values, std::int64_t value) {
  for (int i = 0; i < N; ++i) {
    if (values[i] != value) return false;
  }
  return true;
}

template <int N>
Shape weight_shape(std::int64_t first, std::int64_t second, const Ints<N>& kernel_size) {
  std::vector<std::int64_t> dims{first, second};
  for (int i = 0; i < N; ++i) dims.push_back(kernel_size[i]);
  return dims;
}

// "64, 128, kernel_size=(3, 3), stride=(1, 1)": what convolutions of both kinds begin with.
template <int N, class Options>
std::string common_text(std::int64_t in, std::int64_t out, const Ints<N>& kernel_size, const Options& options) {
  return absl::StrCat(in, ", ", out, ", kernel_size=", python_text(kernel_size),
                      ", stride=", python_text(options.stride));
}

// What convolutions of both kinds share: channels, groups, weight and bias. Without input channels it is lazy.
template <int N, class Options>
class ChannelMapModule : public BuiltinModule {
 protected:
  ChannelMapModule(const char* kind, std::optional<std::int64_t> in, std::int64_t out, const Ints<N>& kernel_size,
                   Options options)
      : BuiltinModule(absl::StrCat(in ? "" : "Lazy", kind, N, "d")),
        in_(in.value_or(0)),
        out_(out),
        kernel_size_(kernel_size),
        options_(std::move(options)) {
    expect_positive("groups", options_.groups);
    check_channels(in_);
    if (in) return;
    be_lazy(absl::StrCat(kind, N, "d"));
    declare_parameter("weight");
    if (options_.bias) declare_parameter("bias");
  }

  virtual Shape shape_of_weight() const = 0;
  void make_parameters() {
    auto [weight, bias] = initial_values();
    register_parameter("weight", weight);
    if (options_.bias) register_parameter("bias", bias);
  }
  void infer(const Shape& input) final {
    if (input.rank() != N + 1 && input.rank() != N + 2) {
      fail(absl::StrCat("an input of rank ", N + 2, ", or ", N + 1, " without a batch"), input.to_string());
    }
    const std::int64_t channels = input[input.rank() - N - 1];
    check_channels(channels);
    in_ = channels;
    auto [weight, bias] = initial_values();
    provide("weight", weight);
    if (options_.bias) provide("bias", bias);
  }
  void check_input(const Tensor& x) const {
    if ((x.dim() == N + 1 || x.dim() == N + 2) && x.size(x.dim() - N - 1) == in_) return;
    fail(absl::StrCat("an input of rank ", N + 2, " with ", in_, " channels in axis 1"), describe(x));
  }
  void take_weights(const Tensor& weight, const Tensor& bias) {
    register_parameter("weight", weight);
    register_parameter("bias", bias);
  }
  // Options of a copy that gets weights of its own: nothing is drawn for them.
  Options options_with_bias() const {
    Options options = options_;
    options.bias = true;
    return options;
  }

  std::int64_t in_, out_;
  Ints<N> kernel_size_;
  Options options_;

 private:
  void check_channels(std::int64_t in) const {
    if (in % options_.groups == 0 && out_ % options_.groups == 0) return;
    fail(absl::StrCat("channels that ", options_.groups, " groups divide"), absl::StrCat(in, " and ", out_));
  }
  std::pair<Tensor, Tensor> initial_values() const {
    const Shape shape = shape_of_weight();
    const double bound = default_bound(shape);
    Tensor weight = uniform_values(shape, -bound, bound);
    return {weight, options_.bias ? uniform_values({out_}, -bound, bound) : Tensor()};
  }
};

template <int N>
class ConvModule final : public ChannelMapModule<N, ConvOptions<N>> {
 public:
  using Base = ChannelMapModule<N, ConvOptions<N>>;
  using Base::in_, Base::out_, Base::kernel_size_, Base::options_;

  ConvModule(std::optional<std::int64_t> in, std::int64_t out, const Ints<N>& kernel_size, ConvOptions<N> options)
      : Base("Conv", in, out, kernel_size, std::move(options)) {
    this->expect_choice("padding_mode", options_.padding_mode, {"zeros", "reflect", "replicate", "circular"});
    if (!options_.padding.mode().empty()) this->expect_choice("padding", options_.padding.mode(), {"same", "valid"});
    if (in) this->make_parameters();
  }

  Layer with_weights(const Tensor& new_weight, const Tensor& new_bias) const override {
    auto copy = std::make_shared<ConvModule>(in_, out_, kernel_size_, this->options_with_bias());
    copy->take_weights(new_weight, new_bias);
    return Layer::of(copy);
  }

  std::string module_text() const override {
    std::string text = common_text(in_, out_, kernel_size_, options_);
    if (!options_.padding.mode().empty()) {
      absl::StrAppend(&text, ", padding=", options_.padding.mode());
    } else if (padding() != std::vector<std::int64_t>(N, 0)) {
      absl::StrAppend(&text, ", padding=", python_text(padding()));
    }
    if (!is_all(options_.dilation, 1)) absl::StrAppend(&text, ", dilation=", python_text(options_.dilation));
    if (options_.groups != 1) absl::StrAppend(&text, ", groups=", options_.groups);
    if (!options_.bias) absl::StrAppend(&text, ", bias=False");
    if (options_.padding_mode != "zeros") absl::StrAppend(&text, ", padding_mode=", options_.padding_mode);
    return text;
  }

 protected:
  Shape shape_of_weight() const override { return weight_shape(out_, in_ / options_.groups, kernel_size_); }
  Tensor forward(const Tensor& x) override {
    this->check_input(x);
    F::ConvOptions<N> options{options_.stride, options_.padding, options_.dilation, options_.groups};
    if (options_.padding_mode == "zeros") return convolved(x, options);
    options.padding = 0;
    return convolved(F::pad(x, sides(), {.mode = options_.padding_mode}), options);
  }

 private:
  std::vector<std::int64_t> padding() const {
    std::vector<std::int64_t> sizes;
    for (int i = 0; i < N; ++i) sizes.push_back(options_.padding[i]);
    return sizes;
  }
  // Sizes before and after each axis, the last axis first.
  std::vector<std::int64_t> sides() const {
    std::vector<std::int64_t> sizes;
    for (int i = N - 1; i >= 0; --i) {
      std::int64_t extent = (kernel_size_[i] - 1) * options_.dilation[i];
      bool same = options_.padding.mode() == "same";
      sizes.push_back(same ? extent / 2 : options_.padding[i]);
      sizes.push_back(same ? extent - extent / 2 : options_.padding[i]);
    }
    return sizes;
  }
  Tensor convolved(const Tensor& x, const F::ConvOptions<N>& options) const {
    if constexpr (N == 1) return F::conv1d(x, this->weight("weight"), this->weight("bias"), options);
    if constexpr (N == 2) return F::conv2d(x, this->weight("weight"), this->weight("bias"), options);
    if constexpr (N == 3) return F::conv3d(x, this->weight("weight"), this->weight("bias"), options);
  }
};

template <int N>
class ConvTransposeModule final : public ChannelMapModule<N, ConvTransposeOptions<N>> {
 public:
  using Base = ChannelMapModule<N, ConvTransposeOptions<N>>;
  using Base::in_, Base::out_, Base::kernel_size_, Base::options_;

  ConvTransposeModule(std::optional<std::int64_t> in, std::int64_t out, const Ints<N>& kernel_size,
                      ConvTransposeOptions<N> options)
      : Base("ConvTranspose", in, out, kernel_size, std::move(options)) {
    if (in) this->make_parameters();
  }

  Layer with_weights(const Tensor& new_weight, const Tensor& new_bias) const override {
    auto copy = std::make_shared<ConvTransposeModule>(in_, out_, kernel_size_, this->options_with_bias());
    copy->take_weights(new_weight, new_bias);
    return Layer::of(copy);
  }

  std::string module_text() const override {
    std::string text = common_text(in_, out_, kernel_size_, options_);
    if (!is_all(options_.padding, 0)) absl::StrAppend(&text, ", padding=", python_text(options_.padding));
    if (!is_all(options_.dilation, 1)) absl::StrAppend(&text, ", dilation=", python_text(options_.dilation));
    if (!is_all(options_.output_padding, 0)) {
      absl::StrAppend(&text, ", output_padding=", python_text(options_.output_padding));
    }
    if (options_.groups != 1) absl::StrAppend(&text, ", groups=", options_.groups);
    if (!options_.bias) absl::StrAppend(&text, ", bias=False");
    return text;
  }

 protected:
  Shape shape_of_weight() const override { return weight_shape(in_, out_ / options_.groups, kernel_size_); }
  Tensor forward(const Tensor& x) override {
    this->check_input(x);
    F::ConvTransposeOptions<N> options{options_.stride, options_.padding, options_.output_padding, options_.groups,
                                       options_.dilation};
    if constexpr (N == 1) return F::conv_transpose1d(x, this->weight("weight"), this->weight("bias"), options);
    if constexpr (N == 2) return F::conv_transpose2d(x, this->weight("weight"), this->weight("bias"), options);
    if constexpr (N == 3) return F::conv_transpose3d(x, this->weight("weight"), this->weight("bias"), options);
  }
};

// One number where all are equal, as it was written.
std::string size_text(const Ints<2>& size) { return size[0] == size[1] ? python_text(size[0]) : python_text(size); }
std::string fold_text(const Ints<2>& kernel_size, const F::FoldOptions<2>& o) {
  return absl::StrCat("kernel_size=", size_text(kernel_size), ", dilation=", size_text(o.dilation),
                      ", padding=", size_text(o.padding), ", stride=", size_text(o.stride));
}

}  // namespace

Conv1d::Conv1d(std::int64_t in_channels, std::int64_t out_channels, Ints<1> kernel_size, ConvOptions<1> options)
    : Layer(std::make_shared<ConvModule<1>>(in_channels, out_channels, kernel_size, std::move(options))) {}
Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, Ints<2> kernel_size, ConvOptions<2> options)
    : Layer(std::make_shared<ConvModule<2>>(in_channels, out_channels, kernel_size, std::move(options))) {}
Conv3d::Conv3d(std::int64_t in_channels, std::int64_t out_channels, Ints<3> kernel_size, ConvOptions<3> options)
    : Layer(std::make_shared<ConvModule<3>>(in_channels, out_channels, kernel_size, std::move(options))) {}
ConvTranspose1d::ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, Ints<1> kernel_size,
                                 ConvTransposeOptions<1> options)
    : Layer(std::make_shared<ConvTransposeModule<1>>(in_channels, out_channels, kernel_size, options)) {}
ConvTranspose2d::ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, Ints<2> kernel_size,
                                 ConvTransposeOptions<2> options)
    : Layer(std::make_shared<ConvTransposeModule<2>>(in_channels, out_channels, kernel_size, options)) {}
ConvTranspose3d::ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, Ints<3> kernel_size,
                                 ConvTransposeOptions<3> options)
    : Layer(std::make_shared<ConvTransposeModule<3>>(in_channels, out_channels, kernel_size, options)) {}
LazyConv1d::LazyConv1d(std::int64_t out_channels, Ints<1> kernel_size, ConvOptions<1> options)
    : Layer(std::make_shared<ConvModule<1>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
LazyConv2d::LazyConv2d(std::int64_t out_channels, Ints<2> kernel_size, ConvOptions<2> options)
    : Layer(std::make_shared<ConvModule<2>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
LazyConv3d::LazyConv3d(std::int64_t out_channels, Ints<3> kernel_size, ConvOptions<3> options)
    : Layer(std::make_shared<ConvModule<3>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
LazyConvTranspose1d::LazyConvTranspose1d(std::int64_t out_channels, Ints<1> kernel_size,
                                         ConvTransposeOptions<1> options)
    : Layer(std::make_shared<ConvTransposeModule<1>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
LazyConvTranspose2d::LazyConvTranspose2d(std::int64_t out_channels, Ints<2> kernel_size,
                                         ConvTransposeOptions<2> options)
    : Layer(std::make_shared<ConvTransposeModule<2>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
LazyConvTranspose3d::LazyConvTranspose3d(std::int64_t out_channels, Ints<3> kernel_size,
                                         ConvTransposeOptions<3> options)
    : Layer(std::make_shared<ConvTransposeModule<3>>(std::nullopt, out_channels, kernel_size, std::move(options))) {}
Unfold::Unfold(Ints<2> kernel_size, F::FoldOptions<2> options)
    : Layer(stateless_module("Unfold", fold_text(kernel_size, options),
                             [=](const Tensor& x) { return F::unfold(x, kernel_size, options); })) {}
Fold::Fold(Ints<2> output_size, Ints<2> kernel_size, F::FoldOptions<2> options)
    : Layer(stateless_module(
          "Fold", absl::StrCat("output_size=", size_text(output_size), ", ", fold_text(kernel_size, options)),
          [=](const Tensor& x) { return F::fold(x, output_size, kernel_size, options); })) {}

}  // namespace mica::nn
