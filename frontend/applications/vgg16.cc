// VGG16: five blocks of 3x3 convolutions, each halved by a pool, and three dense layers (arXiv:1409.1556).
#include "absl/strings/str_cat.h"
#include "frontend/applications/network.h"

namespace mica::applications {

using namespace internal;

Model VGG16(ApplicationOptions options) {
  struct Block {
    std::int64_t filters;
    int convolutions;
  };
  constexpr Block kBlocks[] = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};

  Tensor image = image_input("VGG16", options);
  Tensor x = image;
  int number = 0;
  for (const Block& block : kBlocks) {
    std::string name = absl::StrCat("block", ++number);
    for (int i = 1; i <= block.convolutions; ++i) {
      x = Conv2D(block.filters, 3,
                 {.padding = "same", .activation = "relu", .name = absl::StrCat(name, "_conv", i)})(x);
    }
    x = MaxPooling2D(2, {.strides = 2, .name = absl::StrCat(name, "_pool")})(x);
  }
  if (options.include_top) {
    x = Flatten({.name = "flatten"})(x);
    x = Dense(4096, {.activation = "relu", .name = "fc1"})(x);
    x = Dense(4096, {.activation = "relu", .name = "fc2"})(x);
    x = Dense(options.classes, {.activation = "softmax", .name = "predictions"})(x);
  } else {
    x = pooled(x, options, false);
  }
  return network("vgg16", image, x, options);
}

}  // namespace mica::applications
