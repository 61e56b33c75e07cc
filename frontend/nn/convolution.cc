#include "frontend/mica/nn/convolution.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functional/image.h"
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

template <int N>
class ConvModule final : public BuiltinModule {
 public:
  ConvModule(std::int64_t in, std::int64_t out, const Ints<N>& kernel_size, ConvOptions<N> options)
      : BuiltinModule(absl::StrCat("Conv", N, "d")),
        in_(in),
        out_(out),
        kernel_size_(kernel_size),
        options_(std::move(options)) {
    expect_positive("groups", options_.groups);
    if (in % options_.groups != 0 || out % options_.groups != 0) {
      fail(absl::StrCat("channels that ", options_.groups, " groups divide"), absl::StrCat(in, " and ", out));
    }
    expect_choice("padding_mode", options_.padding_mode, {"zeros", "reflect", "replicate", "circular"});
    if (!options_.padding.mode().empty()) expect_choice("padding", options_.padding.mode(), {"same", "valid"});
    Shape shape = weight_shape(out, in / options_.groups, kernel_size);
    double bound = default_bound(shape);
    register_parameter("weight", uniform_values(shape, -bound, bound));
    if (options_.bias) register_parameter("bias", uniform_values({out}, -bound, bound));
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
  Tensor forward(const Tensor& x) override {
    if ((x.dim() != N + 1 && x.dim() != N + 2) || x.size(x.dim() - N - 1) != in_) {
      fail(absl::StrCat("an input of rank ", N + 2, " with ", in_, " channels in axis 1"), describe(x));
    }
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
    if constexpr (N == 1) return F::conv1d(x, weight("weight"), weight("bias"), options);
    if constexpr (N == 2) return F::conv2d(x, weight("weight"), weight("bias"), options);
    if constexpr (N == 3) return F::conv3d(x, weight("weight"), weight("bias"), options);
  }

  std::int64_t in_, out_;
  Ints<N> kernel_size_;
  ConvOptions<N> options_;
};

template <int N>
class ConvTransposeModule final : public BuiltinModule {
 public:
  ConvTransposeModule(std::int64_t in, std::int64_t out, const Ints<N>& kernel_size, ConvTransposeOptions<N> options)
      : BuiltinModule(absl::StrCat("ConvTranspose", N, "d")),
        in_(in),
        out_(out),
        kernel_size_(kernel_size),
        options_(std::move(options)) {
    expect_positive("groups", options_.groups);
    if (in % options_.groups != 0 || out % options_.groups != 0) {
      fail(absl::StrCat("channels that ", options_.groups, " groups divide"), absl::StrCat(in, " and ", out));
    }
    Shape shape = weight_shape(in, out / options_.groups, kernel_size);
    double bound = default_bound(shape);
    register_parameter("weight", uniform_values(shape, -bound, bound));
    if (options_.bias) register_parameter("bias", uniform_values({out}, -bound, bound));
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
  Tensor forward(const Tensor& x) override {
    if ((x.dim() != N + 1 && x.dim() != N + 2) || x.size(x.dim() - N - 1) != in_) {
      fail(absl::StrCat("an input of rank ", N + 2, " with ", in_, " channels in axis 1"), describe(x));
    }
    F::ConvTransposeOptions<N> options{options_.stride, options_.padding, options_.output_padding, options_.groups,
                                       options_.dilation};
    if constexpr (N == 1) return F::conv_transpose1d(x, weight("weight"), weight("bias"), options);
    if constexpr (N == 2) return F::conv_transpose2d(x, weight("weight"), weight("bias"), options);
    if constexpr (N == 3) return F::conv_transpose3d(x, weight("weight"), weight("bias"), options);
  }

 private:
  std::int64_t in_, out_;
  Ints<N> kernel_size_;
  ConvTransposeOptions<N> options_;
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
Unfold::Unfold(Ints<2> kernel_size, F::FoldOptions<2> options)
    : Layer(stateless_module("Unfold", fold_text(kernel_size, options),
                             [=](const Tensor& x) { return F::unfold(x, kernel_size, options); })) {}
Fold::Fold(Ints<2> output_size, Ints<2> kernel_size, F::FoldOptions<2> options)
    : Layer(stateless_module(
          "Fold", absl::StrCat("output_size=", size_text(output_size), ", ", fold_text(kernel_size, options)),
          [=](const Tensor& x) { return F::fold(x, output_size, kernel_size, options); })) {}

}  // namespace mica::nn
