// Normalisation.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

// Batch renormalization: how far training may correct the statistics of a batch toward the moving ones.
struct RenormClipping {
  std::optional<double> rmin = {}, rmax = {}, dmax = {};
};
struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones", moving_mean_initializer = "zeros",
              moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  bool renorm = false, synchronized = false;
  RenormClipping renorm_clipping = {};
  double renorm_momentum = 0.99;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(BatchNormalizationOptions options = {});
};
struct LayerNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class LayerNormalization : public Layer {
 public:
  explicit LayerNormalization(LayerNormalizationOptions options = {});
};
struct GroupNormalizationOptions {
  int axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Regularizer beta_regularizer = {}, gamma_regularizer = {};
  Constraint beta_constraint = {}, gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class GroupNormalization : public Layer {
 public:
  explicit GroupNormalization(std::int64_t groups = 32, GroupNormalizationOptions options = {});
};  // groups = -1: every channel is one
struct RMSNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-6;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class RMSNormalization : public Layer {
 public:
  explicit RMSNormalization(RMSNormalizationOptions options = {});
};
struct UnitNormalizationOptions {
  Axes axis = -1;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class UnitNormalization : public Layer {
 public:
  explicit UnitNormalization(UnitNormalizationOptions options = {});
};
// A layer with a kernel or embeddings, which training divides by their largest singular value.
struct SpectralNormalizationOptions {
  std::int64_t power_iterations = 1;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class SpectralNormalization : public Layer {
 public:
  explicit SpectralNormalization(const Layer& layer, SpectralNormalizationOptions options = {});
};

}  // namespace layers
}  // namespace mica
