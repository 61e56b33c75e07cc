// Layers that change the shape.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

class Flatten : public Layer {
 public:
  explicit Flatten(DataFormatOptions options = {});
};
class Reshape : public Layer {
 public:
  explicit Reshape(const Shape& target_shape, NameOptions options = {});
};  // without the batch; one dim may be kAny
class Permute : public Layer {
 public:
  explicit Permute(std::initializer_list<std::int64_t> dims, NameOptions options = {});
};  // from 1, the batch stays
class RepeatVector : public Layer {
 public:
  explicit RepeatVector(std::int64_t n, NameOptions options = {});
};
// Elements at both ends of every axis: 1, {1, 2} per axis, or {{top, bottom}, {left, right}}.
template <int N>
class Sides {
 public:
  Sides(std::integral auto every) { sides_.fill({every, every}); }
  Sides(std::initializer_list<Ints<2>> each) {
    if (each.size() != N) internal::throw_wrong_count(N, each.size());
    for (int i = 0; i < N; ++i) sides_[static_cast<std::size_t>(i)] = {each.begin()[i][0], each.begin()[i][1]};
  }
  const std::array<std::array<std::int64_t, 2>, N>& all() const { return sides_; }

 private:
  std::array<std::array<std::int64_t, 2>, N> sides_{};
};
class ZeroPadding1D : public Layer {
 public:
  explicit ZeroPadding1D(Ints<2> padding = 1, DataFormatOptions options = {});
};
class ZeroPadding2D : public Layer {
 public:
  explicit ZeroPadding2D(Sides<2> padding = 1, DataFormatOptions options = {});
};
class ZeroPadding3D : public Layer {
 public:
  explicit ZeroPadding3D(Sides<3> padding = 1, DataFormatOptions options = {});
};
class Cropping1D : public Layer {
 public:
  explicit Cropping1D(Ints<2> cropping = 1, DataFormatOptions options = {});
};
class Cropping2D : public Layer {
 public:
  explicit Cropping2D(Sides<2> cropping = 0, DataFormatOptions options = {});
};
class Cropping3D : public Layer {
 public:
  explicit Cropping3D(Sides<3> cropping = 1, DataFormatOptions options = {});
};
struct UpSamplingOptions {
  std::string data_format = "channels_last", interpolation = "nearest";
  std::string name = {};
  MaybeDType dtype = {};
};
class UpSampling1D : public Layer {
 public:
  explicit UpSampling1D(Ints<1> size = 2, UpSamplingOptions options = {});
};
class UpSampling2D : public Layer {
 public:
  explicit UpSampling2D(Ints<2> size = 2, UpSamplingOptions options = {});
};
class UpSampling3D : public Layer {
 public:
  explicit UpSampling3D(Ints<3> size = 2, UpSamplingOptions options = {});
};

}  // namespace layers
}  // namespace mica
