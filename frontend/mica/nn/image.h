// Padding, resizing and shuffling: NCHW.
#pragma once
#include "mica/functional/distance.h"
#include "mica/functional/image.h"
#include "mica/layer.h"

namespace mica::nn {

// One size for every side, or two for each axis, the last axis first.
template <int N>
using PadSizes = Ints<2 * N>;
class ZeroPad1d : public Layer {
 public:
  explicit ZeroPad1d(PadSizes<1> padding);
};
class ZeroPad2d : public Layer {
 public:
  explicit ZeroPad2d(PadSizes<2> padding);
};
class ZeroPad3d : public Layer {
 public:
  explicit ZeroPad3d(PadSizes<3> padding);
};
class ConstantPad1d : public Layer {
 public:
  ConstantPad1d(PadSizes<1> padding, double value);
};
class ConstantPad2d : public Layer {
 public:
  ConstantPad2d(PadSizes<2> padding, double value);
};
class ConstantPad3d : public Layer {
 public:
  ConstantPad3d(PadSizes<3> padding, double value);
};
class ReflectionPad1d : public Layer {
 public:
  explicit ReflectionPad1d(PadSizes<1> padding);
};
class ReflectionPad2d : public Layer {
 public:
  explicit ReflectionPad2d(PadSizes<2> padding);
};
class ReflectionPad3d : public Layer {
 public:
  explicit ReflectionPad3d(PadSizes<3> padding);
};
class ReplicationPad1d : public Layer {
 public:
  explicit ReplicationPad1d(PadSizes<1> padding);
};
class ReplicationPad2d : public Layer {
 public:
  explicit ReplicationPad2d(PadSizes<2> padding);
};
class ReplicationPad3d : public Layer {
 public:
  explicit ReplicationPad3d(PadSizes<3> padding);
};
class CircularPad1d : public Layer {
 public:
  explicit CircularPad1d(PadSizes<1> padding);
};
class CircularPad2d : public Layer {
 public:
  explicit CircularPad2d(PadSizes<2> padding);
};
class CircularPad3d : public Layer {
 public:
  explicit CircularPad3d(PadSizes<3> padding);
};
class Upsample : public Layer {
 public:
  explicit Upsample(F::InterpolateOptions options);
};
class UpsamplingNearest2d : public Layer {
 public:
  explicit UpsamplingNearest2d(F::InterpolateOptions options);
};
class UpsamplingBilinear2d : public Layer {
 public:
  explicit UpsamplingBilinear2d(F::InterpolateOptions options);
};
class PixelShuffle : public Layer {
 public:
  explicit PixelShuffle(std::int64_t upscale_factor);
};
class PixelUnshuffle : public Layer {
 public:
  explicit PixelUnshuffle(std::int64_t downscale_factor);
};
class ChannelShuffle : public Layer {
 public:
  explicit ChannelShuffle(std::int64_t groups);
};
class CosineSimilarity : public Layer {  // of two tensors
 public:
  explicit CosineSimilarity(F::CosineOptions options = {});
};
class PairwiseDistance : public Layer {  // of two tensors
 public:
  explicit PairwiseDistance(F::DistanceOptions options = {});
};

}  // namespace mica::nn
