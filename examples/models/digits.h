// A small convolutional network that reads handwritten digits.
#pragma once
#include <mica/mica.h>

namespace examples {

inline mica::Model digits(double dropout = 0.5) {
  using namespace mica;
  Tensor image = Input({28, 28, 1}, {.name = "image"});
  Tensor x = Conv2D(32, 3, {.activation = "relu", .name = "conv1"})(image);
  x = MaxPooling2D(2, {.name = "pool1"})(x);
  x = Conv2D(64, 3, {.activation = "relu", .name = "conv2"})(x);
  x = MaxPooling2D(2, {.name = "pool2"})(x);
  x = Flatten({.name = "flatten"})(x);
  x = Dropout(dropout, {.name = "dropout"})(x);
  return Model(image, Dense(10, {.name = "logits"})(x), {.name = "digits"});
}

}  // namespace examples
