// Regularisation. Identity unless training.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

struct DropoutOptions {
  Shape noise_shape = {};  // of Dropout and AlphaDropout: one draw for each of its elements
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Dropout : public Layer {
 public:
  explicit Dropout(double rate, DropoutOptions options = {});
};
class AlphaDropout : public Layer {
 public:
  explicit AlphaDropout(double rate, DropoutOptions options = {});
};
struct SpatialDropoutOptions {
  std::string data_format = "channels_last";
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  MaybeDType dtype = {};
};
class SpatialDropout1D : public Layer {
 public:
  explicit SpatialDropout1D(double rate, SpatialDropoutOptions options = {});
};
class SpatialDropout2D : public Layer {
 public:
  explicit SpatialDropout2D(double rate, SpatialDropoutOptions options = {});
};
class SpatialDropout3D : public Layer {
 public:
  explicit SpatialDropout3D(double rate, SpatialDropoutOptions options = {});
};
class GaussianDropout : public Layer {
 public:
  explicit GaussianDropout(double rate, DropoutOptions options = {});
};
class GaussianNoise : public Layer {
 public:
  explicit GaussianNoise(double stddev, DropoutOptions options = {});
};
// Adds l1 · sum|x| + l2 · sum x² to the loss, divided by the batch.
struct ActivityRegularizationOptions {
  double l1 = 0, l2 = 0;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class ActivityRegularization : public Layer {
 public:
  explicit ActivityRegularization(ActivityRegularizationOptions options = {});
};

}  // namespace layers
}  // namespace mica
