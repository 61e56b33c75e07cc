// The toy ResNet of the Keras guide: residual connections are sums of tensors.
#pragma once
#include <mica/mica.h>

#include <string>

namespace examples {

inline mica::Tensor residual_block(const mica::Tensor& inputs, int number) {
  using namespace mica;
  std::string block = "block" + std::to_string(number);
  Tensor x = Conv2D(16, 3, {.padding = "same", .activation = "relu", .name = block + "_conv1"})(inputs);
  x = Conv2D(16, 3, {.padding = "same", .activation = "relu", .name = block + "_conv2"})(x);
  return Add({.name = block + "_add"})({x, inputs});
}

inline mica::Model toy_resnet(double dropout = 0.5) {
  using namespace mica;
  Tensor image = Input({32, 32, 3}, {.name = "img"});
  Tensor x = Conv2D(8, 3, {.activation = "relu", .name = "stem1"})(image);
  x = Conv2D(16, 3, {.activation = "relu", .name = "stem2"})(x);
  x = MaxPooling2D(3, {.name = "stem_pool"})(x);
  x = residual_block(residual_block(x, 1), 2);
  x = Conv2D(16, 3, {.activation = "relu", .name = "head_conv"})(x);
  x = GlobalAveragePooling2D({.name = "head_pool"})(x);
  x = Dense(32, {.activation = "relu", .name = "head_dense"})(x);
  x = Dropout(dropout, {.name = "dropout"})(x);
  return Model(image, Dense(10, {.name = "logits"})(x), {.name = "toy_resnet"});
}

}  // namespace examples
