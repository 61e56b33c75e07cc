// EfficientNetB0: inverted residual blocks whose channels are weighted by squeeze and excitation (arXiv:1905.11946).
#include "absl/strings/str_cat.h"
#include "frontend/applications/network.h"

namespace mica::applications {

using namespace internal;

namespace {

constexpr double kDropConnect = 0.2;  // of the last block; the blocks before it drop less, in proportion

Initializer convolution_init() { return initializers::VarianceScaling({.scale = 2, .mode = "fan_out"}); }

Tensor swish(const Tensor& x, const std::string& bn, const std::string& activation) {
  return Activation("silu", {.name = activation})(BatchNormalization({.axis = 3, .name = bn})(x));
}

Tensor pointwise(const Tensor& x, std::int64_t filters, const std::string& name) {
  return Conv2D(filters, 1,
                {.padding = "same", .use_bias = false, .kernel_initializer = convolution_init(), .name = name})(x);
}

struct Block {
  std::int64_t kernel, repeats, out, expansion, stride;
};

Tensor depthwise(Tensor x, std::int64_t kernel, std::int64_t stride, const std::string& name) {
  if (stride == 2) x = ZeroPadding2D(strided_padding(x, kernel), {.name = name + "dwconv_pad"})(x);
  x = DepthwiseConv2D(kernel, {.strides = stride,
                               .padding = stride == 2 ? "valid" : "same",
                               .use_bias = false,
                               .depthwise_initializer = convolution_init(),
                               .name = name + "dwconv"})(x);
  return swish(x, name + "bn", name + "activation");
}

Tensor squeeze_excite(const Tensor& x, std::int64_t reduced, const std::string& name) {
  auto dense = [&](const Tensor& y, std::int64_t filters, const char* activation, const char* step) {
    return Conv2D(
        filters, 1,
        {.padding = "same", .activation = activation, .kernel_initializer = convolution_init(), .name = name + step})(
        y);
  };
  Tensor se = GlobalAveragePooling2D({.name = name + "se_squeeze"})(x);
  se = Reshape({1, 1, x.size(3)}, {.name = name + "se_reshape"})(se);
  se = dense(se, reduced, "silu", "se_reduce");
  se = dense(se, x.size(3), "sigmoid", "se_expand");
  return Multiply({.name = name + "se_excite"})({x, se});
}

Tensor inverted_residual(const Tensor& input, const Block& block, std::int64_t stride, double drop,
                         const std::string& name) {
  std::int64_t in = input.size(3);
  Tensor x = input;
  if (block.expansion != 1) {
    x = pointwise(x, in * block.expansion, name + "expand_conv");
    x = swish(x, name + "expand_bn", name + "expand_activation");
  }
  x = depthwise(x, block.kernel, stride, name);
  x = squeeze_excite(x, in / 4, name);
  x = pointwise(x, block.out, name + "project_conv");
  x = BatchNormalization({.axis = 3, .name = name + "project_bn"})(x);
  if (stride != 1 || in != block.out) return x;
  if (drop > 0) x = Dropout(drop, {.noise_shape = {kAny, 1, 1, 1}, .name = name + "drop"})(x);
  return Add({.name = name + "add"})({x, input});
}

}  // namespace

Model EfficientNetB0(ApplicationOptions options) {
  constexpr Block kBlocks[] = {{3, 1, 16, 1, 1},  {3, 2, 24, 6, 2},  {5, 2, 40, 6, 2}, {3, 3, 80, 6, 2},
                               {5, 3, 112, 6, 1}, {5, 4, 192, 6, 2}, {3, 1, 320, 6, 1}};
  constexpr double kNumBlocks = 16;

  Tensor image = image_input("EfficientNetB0", options);
  Tensor x = Rescaling(1.0 / 255)(image);
  x = Normalization({.axis = 3})(x);
  x = ZeroPadding2D(strided_padding(x, 3), {.name = "stem_conv_pad"})(x);
  x = Conv2D(32, 3,
             {.strides = 2, .use_bias = false, .kernel_initializer = convolution_init(), .name = "stem_conv"})(x);
  x = swish(x, "stem_bn", "stem_activation");
  int number = 0, stage = 0;
  for (const Block& block : kBlocks) {
    ++stage;
    for (int i = 0; i < block.repeats; ++i) {
      std::string name = absl::StrCat("block", stage, std::string(1, static_cast<char>('a' + i)), "_");
      x = inverted_residual(x, block, i == 0 ? block.stride : 1, kDropConnect * number++ / kNumBlocks, name);
    }
  }
  x = swish(pointwise(x, 1280, "top_conv"), "top_bn", "top_activation");
  if (options.include_top) {
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = Dropout(0.2, {.name = "top_dropout"})(x);
    x = Dense(options.classes, {.activation = "softmax",
                                .kernel_initializer = initializers::VarianceScaling(
                                    {.scale = 1.0 / 3, .mode = "fan_out", .distribution = "uniform"}),
                                .name = "predictions"})(x);
  } else {
    x = pooled(x, options, true);
  }
  return network("efficientnetb0", image, x, options);
}

}  // namespace mica::applications
