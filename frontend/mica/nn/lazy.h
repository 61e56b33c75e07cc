// Modules that learn from their first call how many features or channels come in. Until then, or until
// load_state_dict() tells it, their parameters have no shape and no value: reading one is an Error. Afterwards they
// are, and print as, the plain modules. Optimizers may be made before.
#pragma once
#include "mica/nn/convolution.h"
#include "mica/nn/linear.h"
#include "mica/nn/normalization.h"

namespace mica::nn {

class LazyLinear : public Layer {
 public:
  explicit LazyLinear(std::int64_t out_features, BiasOptions options = {});
};

class LazyConv1d : public Layer {
 public:
  LazyConv1d(std::int64_t out_channels, Ints<1> kernel_size, ConvOptions<1> options = {});
};
class LazyConv2d : public Layer {
 public:
  LazyConv2d(std::int64_t out_channels, Ints<2> kernel_size, ConvOptions<2> options = {});
};
class LazyConv3d : public Layer {
 public:
  LazyConv3d(std::int64_t out_channels, Ints<3> kernel_size, ConvOptions<3> options = {});
};
class LazyConvTranspose1d : public Layer {
 public:
  LazyConvTranspose1d(std::int64_t out_channels, Ints<1> kernel_size, ConvTransposeOptions<1> options = {});
};
class LazyConvTranspose2d : public Layer {
 public:
  LazyConvTranspose2d(std::int64_t out_channels, Ints<2> kernel_size, ConvTransposeOptions<2> options = {});
};
class LazyConvTranspose3d : public Layer {
 public:
  LazyConvTranspose3d(std::int64_t out_channels, Ints<3> kernel_size, ConvTransposeOptions<3> options = {});
};

class LazyBatchNorm1d : public Layer {
 public:
  explicit LazyBatchNorm1d(BatchNormOptions options = {});
};
class LazyBatchNorm2d : public Layer {
 public:
  explicit LazyBatchNorm2d(BatchNormOptions options = {});
};
class LazyBatchNorm3d : public Layer {
 public:
  explicit LazyBatchNorm3d(BatchNormOptions options = {});
};
struct LazyInstanceNormOptions {  // other defaults than those of InstanceNorm
  double eps = 1e-5, momentum = 0.1;
  bool affine = true, track_running_stats = true;
};
class LazyInstanceNorm1d : public Layer {
 public:
  explicit LazyInstanceNorm1d(LazyInstanceNormOptions options = {});
};
class LazyInstanceNorm2d : public Layer {
 public:
  explicit LazyInstanceNorm2d(LazyInstanceNormOptions options = {});
};
class LazyInstanceNorm3d : public Layer {
 public:
  explicit LazyInstanceNorm3d(LazyInstanceNormOptions options = {});
};

}  // namespace mica::nn
