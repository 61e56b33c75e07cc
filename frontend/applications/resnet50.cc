// ResNet50: bottleneck blocks around shortcuts, version 1: the activation follows the sum (arXiv:1512.03385).
#include "absl/strings/str_cat.h"
#include "frontend/applications/network.h"

namespace mica::applications {

using namespace internal;

namespace {

Tensor normalized(const Tensor& x, const std::string& name) {
  return BatchNormalization({.axis = 3, .epsilon = 1.001e-5, .name = name})(x);
}

Tensor relu(const Tensor& x, const std::string& name) { return Activation("relu", {.name = name})(x); }

struct Block {
  std::int64_t filters;
  std::int64_t stride = 1;
  bool project = false;  // the shortcut is a convolution, because the number of channels changes
};

Tensor bottleneck(const Tensor& x, const Block& block, const std::string& name) {
  Tensor shortcut = x;
  if (block.project) {
    shortcut = Conv2D(4 * block.filters, 1, {.strides = block.stride, .name = name + "_0_conv"})(x);
    shortcut = normalized(shortcut, name + "_0_bn");
  }
  Tensor y = Conv2D(block.filters, 1, {.strides = block.stride, .name = name + "_1_conv"})(x);
  y = relu(normalized(y, name + "_1_bn"), name + "_1_relu");
  y = Conv2D(block.filters, 3, {.padding = "same", .name = name + "_2_conv"})(y);
  y = relu(normalized(y, name + "_2_bn"), name + "_2_relu");
  y = Conv2D(4 * block.filters, 1, {.name = name + "_3_conv"})(y);
  y = normalized(y, name + "_3_bn");
  return relu(Add({.name = name + "_add"})({shortcut, y}), name + "_out");
}

Tensor stack(Tensor x, std::int64_t filters, int blocks, std::int64_t stride, const std::string& name) {
  for (int i = 1; i <= blocks; ++i) {
    Block block{.filters = filters, .stride = i == 1 ? stride : 1, .project = i == 1};
    x = bottleneck(x, block, absl::StrCat(name, "_block", i));
  }
  return x;
}

}  // namespace

Model ResNet50(ApplicationOptions options) {
  Tensor image = image_input("ResNet50", options);
  Tensor x = ZeroPadding2D(3, {.name = "conv1_pad"})(image);
  x = Conv2D(64, 7, {.strides = 2, .name = "conv1_conv"})(x);
  x = relu(normalized(x, "conv1_bn"), "conv1_relu");
  x = ZeroPadding2D(1, {.name = "pool1_pad"})(x);
  x = MaxPooling2D(3, {.strides = 2, .name = "pool1_pool"})(x);
  x = stack(x, 64, 3, 1, "conv2");
  x = stack(x, 128, 4, 2, "conv3");
  x = stack(x, 256, 6, 2, "conv4");
  x = stack(x, 512, 3, 2, "conv5");
  if (options.include_top) {
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = Dense(options.classes, {.activation = "softmax", .name = "predictions"})(x);
  } else {
    x = pooled(x, options, true);
  }
  return network("resnet50", image, x, options);
}

}  // namespace mica::applications
