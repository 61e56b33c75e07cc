// Normalisations: channels are axis 1.
#pragma once
#include "mica/functional/normalization.h"
#include "mica/layer.h"

namespace mica::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // of the new value; none: the plain average of all batches so far
  bool affine = true, track_running_stats = true;
};
class BatchNorm1d : public Layer {
 public:
  explicit BatchNorm1d(std::int64_t num_features, BatchNormOptions options = {});
};
class BatchNorm2d : public Layer {
 public:
  explicit BatchNorm2d(std::int64_t num_features, BatchNormOptions options = {});
};
class BatchNorm3d : public Layer {
 public:
  explicit BatchNorm3d(std::int64_t num_features, BatchNormOptions options = {});
};
struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true, bias = true;
};
class LayerNorm : public Layer {
 public:
  explicit LayerNorm(const Shape& normalized_shape, LayerNormOptions options = {});
};
struct RMSNormOptions {
  std::optional<double> eps = {};  // none: the machine epsilon
  bool elementwise_affine = true;
};
class RMSNorm : public Layer {
 public:
  explicit RMSNorm(const Shape& normalized_shape, RMSNormOptions options = {});
};
struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;
};
class GroupNorm : public Layer {
 public:
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, GroupNormOptions options = {});
};
struct InstanceNormOptions {
  double eps = 1e-5, momentum = 0.1;
  bool affine = false, track_running_stats = false;
};
class InstanceNorm1d : public Layer {
 public:
  explicit InstanceNorm1d(std::int64_t num_features, InstanceNormOptions options = {});
};
class InstanceNorm2d : public Layer {
 public:
  explicit InstanceNorm2d(std::int64_t num_features, InstanceNormOptions options = {});
};
class InstanceNorm3d : public Layer {
 public:
  explicit InstanceNorm3d(std::int64_t num_features, InstanceNormOptions options = {});
};
class LocalResponseNorm : public Layer {
 public:
  explicit LocalResponseNorm(std::int64_t size, F::LrnOptions options = {});
};

}  // namespace mica::nn
