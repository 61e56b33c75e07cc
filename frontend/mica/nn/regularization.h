// Dropouts: they change nothing after eval().
#pragma once
#include "mica/layer.h"

namespace mica::nn {

class Dropout : public Layer {
 public:
  explicit Dropout(double p = 0.5);
};
class Dropout1d : public Layer {
 public:
  explicit Dropout1d(double p = 0.5);
};
class Dropout2d : public Layer {
 public:
  explicit Dropout2d(double p = 0.5);
};
class Dropout3d : public Layer {
 public:
  explicit Dropout3d(double p = 0.5);
};
class AlphaDropout : public Layer {
 public:
  explicit AlphaDropout(double p = 0.5);
};
class FeatureAlphaDropout : public Layer {
 public:
  explicit FeatureAlphaDropout(double p = 0.5);
};

}  // namespace mica::nn
