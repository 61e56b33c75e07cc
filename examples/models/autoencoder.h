// An autoencoder whose encoder and decoder are models themselves, used as layers.
#pragma once
#include <mica/mica.h>

namespace examples {

inline mica::Model encoder() {
  using namespace mica;
  Tensor image = Input({28, 28, 1}, {.name = "image"});
  Tensor x = Conv2D(8, 3, {.activation = "relu", .name = "encode1"})(image);
  x = Conv2D(12, 3, {.activation = "relu", .name = "encode2"})(x);
  x = MaxPooling2D(3, {.name = "shrink"})(x);
  x = Conv2D(12, 3, {.activation = "relu", .name = "encode3"})(x);
  x = Conv2D(16, 3, {.activation = "relu", .name = "encode4"})(x);
  return Model(image, GlobalMaxPooling2D({.name = "code_of"})(x), {.name = "encoder"});
}

inline mica::Model decoder() {
  using namespace mica;
  Tensor code = Input({16}, {.name = "code"});
  Tensor x = Reshape({4, 4, 1}, {.name = "plane"})(code);
  x = Conv2DTranspose(12, 3, {.activation = "relu", .name = "decode1"})(x);
  x = Conv2DTranspose(12, 3, {.activation = "relu", .name = "decode2"})(x);
  x = UpSampling2D(3, {.name = "grow"})(x);
  x = Conv2DTranspose(8, 3, {.activation = "relu", .name = "decode3"})(x);
  return Model(code, Conv2DTranspose(1, 3, {.activation = "relu", .name = "decode4"})(x), {.name = "decoder"});
}

inline mica::Model autoencoder() {
  using namespace mica;
  Tensor picture = Input({28, 28, 1}, {.name = "picture"});
  return Model(picture, decoder()(encoder()(picture)), {.name = "autoencoder"});
}

}  // namespace examples
