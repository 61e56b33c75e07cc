// DenseNet121: within a block every layer sees the maps of all layers before it (arXiv:1608.06993).
#include "absl/strings/str_cat.h"
#include "frontend/applications/network.h"

namespace mica::applications {

using namespace internal;

namespace {

constexpr std::int64_t kGrowth = 32;  // maps that a layer adds

Tensor normalized_relu(const Tensor& x, const std::string& bn, const std::string& relu) {
  return Activation("relu", {.name = relu})(BatchNormalization({.axis = 3, .epsilon = 1.001e-5, .name = bn})(x));
}

Tensor grow(const Tensor& x, const std::string& name) {
  Tensor y = normalized_relu(x, name + "_0_bn", name + "_0_relu");
  y = Conv2D(4 * kGrowth, 1, {.use_bias = false, .name = name + "_1_conv"})(y);
  y = normalized_relu(y, name + "_1_bn", name + "_1_relu");
  y = Conv2D(kGrowth, 3, {.padding = "same", .use_bias = false, .name = name + "_2_conv"})(y);
  return Concatenate({.axis = 3, .name = name + "_concat"})({x, y});
}

Tensor dense_block(Tensor x, int layers, const std::string& name) {
  for (int i = 1; i <= layers; ++i) x = grow(x, absl::StrCat(name, "_block", i));
  return x;
}

// Half the maps, half the size.
Tensor transition(Tensor x, const std::string& name) {
  x = normalized_relu(x, name + "_bn", name + "_relu");
  x = Conv2D(x.size(3) / 2, 1, {.use_bias = false, .name = name + "_conv"})(x);
  return AveragePooling2D(2, {.strides = 2, .name = name + "_pool"})(x);
}

}  // namespace

Model DenseNet121(ApplicationOptions options) {
  Tensor image = image_input("DenseNet121", options);
  Tensor x = ZeroPadding2D(3)(image);
  x = Conv2D(64, 7, {.strides = 2, .use_bias = false, .name = "conv1_conv"})(x);
  x = normalized_relu(x, "conv1_bn", "conv1_relu");
  x = ZeroPadding2D(1)(x);
  x = MaxPooling2D(3, {.strides = 2, .name = "pool1"})(x);
  x = transition(dense_block(x, 6, "conv2"), "pool2");
  x = transition(dense_block(x, 12, "conv3"), "pool3");
  x = transition(dense_block(x, 24, "conv4"), "pool4");
  x = dense_block(x, 16, "conv5");
  x = normalized_relu(x, "bn", "relu");
  if (options.include_top) {
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = Dense(options.classes, {.activation = "softmax", .name = "predictions"})(x);
  } else {
    x = pooled(x, options, true);
  }
  return network("densenet121", image, x, options);
}

}  // namespace mica::applications
