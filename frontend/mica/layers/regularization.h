// Regularisation. Identity unless training.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

struct DropoutOptions {
  Shape noise_shape = {};
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Dropout : public Layer {
 public:
  explicit Dropout(double rate, DropoutOptions options = {});
};
class SpatialDropout1D : public Layer {
 public:
  explicit SpatialDropout1D(double rate, DropoutOptions options = {});
};
class SpatialDropout2D : public Layer {
 public:
  explicit SpatialDropout2D(double rate, DropoutOptions options = {});
};
class SpatialDropout3D : public Layer {
 public:
  explicit SpatialDropout3D(double rate, DropoutOptions options = {});
};
class GaussianDropout : public Layer {
 public:
  explicit GaussianDropout(double rate, DropoutOptions options = {});
};
class GaussianNoise : public Layer {
 public:
  explicit GaussianNoise(double stddev, DropoutOptions options = {});
};

}  // namespace layers
}  // namespace mica
