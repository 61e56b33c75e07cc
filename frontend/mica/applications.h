// Networks of keras.applications with Keras' layer names: weights that Keras saved load by name. Nothing is downloaded:
// `weights` is the path of a `.weights.h5` or `.keras` file; empty: random ones.
#pragma once
#include "mica/model.h"

namespace mica::applications {

struct ApplicationOptions {
  std::string weights = {};
  Shape input_shape = {224, 224, 3};
  std::int64_t classes = 1000;
  bool include_top = true;   // the classifier; without it the maps, or what `pooling` makes of them
  std::string pooling = {};  // "avg", "max": of the last maps, without the classifier
};
Model MobileNetV2(ApplicationOptions options = {});
Model ResNet50(ApplicationOptions options = {});
Model VGG16(ApplicationOptions options = {});
Model EfficientNetB0(ApplicationOptions options = {});
Model DenseNet121(ApplicationOptions options = {});

}  // namespace mica::applications
