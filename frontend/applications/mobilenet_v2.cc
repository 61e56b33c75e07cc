// MobileNetV2: inverted residual blocks, whose ends are narrow and linear (arXiv:1801.04381).
#include "absl/strings/str_cat.h"
#include "frontend/applications/network.h"

namespace mica::applications {

using namespace internal;

namespace {

Tensor normalized(const Tensor& x, const std::string& name) {
  return BatchNormalization({.axis = -1, .momentum = 0.999, .epsilon = 1e-3, .name = name})(x);
}

Tensor relu6(const Tensor& x, const std::string& name) { return ReLU({.max_value = 6.0, .name = name})(x); }

Tensor pointwise(const Tensor& x, std::int64_t filters, const std::string& name) {
  return Conv2D(filters, 1, {.padding = "same", .use_bias = false, .name = name})(x);
}

struct Block {
  std::int64_t filters, stride, expansion;
  int count;  // as often in a row; the first of them strides
};

Tensor inverted_residual(const Tensor& input, const Block& block, std::int64_t stride, int number) {
  std::string prefix = number == 0 ? "expanded_conv_" : absl::StrCat("block_", number, "_");
  Tensor x = input;
  if (number != 0) {  // the first has nothing to widen
    x = pointwise(x, block.expansion * input.size(3), prefix + "expand");
    x = relu6(normalized(x, prefix + "expand_BN"), prefix + "expand_relu");
  }
  if (stride == 2) x = ZeroPadding2D(strided_padding(x, 3), {.name = prefix + "pad"})(x);
  x = DepthwiseConv2D(
      3,
      {.strides = stride, .padding = stride == 1 ? "same" : "valid", .use_bias = false, .name = prefix + "depthwise"})(
      x);
  x = relu6(normalized(x, prefix + "depthwise_BN"), prefix + "depthwise_relu");
  x = pointwise(x, block.filters, prefix + "project");
  x = normalized(x, prefix + "project_BN");
  bool same_size = stride == 1 && input.size(3) == block.filters;
  return same_size ? Add({.name = prefix + "add"})({input, x}) : x;
}

}  // namespace

Model MobileNetV2(ApplicationOptions options) {
  constexpr Block kBlocks[] = {{16, 1, 1, 1}, {24, 2, 6, 2},  {32, 2, 6, 3}, {64, 2, 6, 4},
                               {96, 1, 6, 3}, {160, 2, 6, 3}, {320, 1, 6, 1}};

  Tensor image = image_input("MobileNetV2", options);
  Tensor x = Conv2D(32, 3, {.strides = 2, .padding = "same", .use_bias = false, .name = "Conv1"})(image);
  x = relu6(normalized(x, "bn_Conv1"), "Conv1_relu");
  int number = 0;
  for (const Block& block : kBlocks) {
    for (int i = 0; i < block.count; ++i) x = inverted_residual(x, block, i == 0 ? block.stride : 1, number++);
  }
  x = Conv2D(1280, 1, {.use_bias = false, .name = "Conv_1"})(x);
  x = relu6(normalized(x, "Conv_1_bn"), "out_relu");
  if (options.include_top) {
    x = GlobalAveragePooling2D()(x);
    x = Dense(options.classes, {.activation = "softmax", .name = "predictions"})(x);
  } else {
    x = pooled(x, options, false);
  }
  std::int64_t rows = options.input_shape[0];
  return network(absl::StrCat("mobilenetv2_1.00_", rows == kAny ? "None" : absl::StrCat(rows)), image, x, options);
}

}  // namespace mica::applications
