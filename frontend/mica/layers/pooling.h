// Pooling.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

template <int N>
struct PoolingOptions {
  std::optional<Ints<N>> strides = {};
  std::string padding = "valid", data_format = "channels_last";
  std::string name = {};
  MaybeDType dtype = {};
};
struct GlobalPoolingOptions {
  std::string data_format = "channels_last";
  bool keepdims = false;
  std::string name = {};
  MaybeDType dtype = {};
};
class MaxPooling1D : public Layer {
 public:
  explicit MaxPooling1D(Ints<1> pool_size = 2, PoolingOptions<1> options = {});
};
class MaxPooling2D : public Layer {
 public:
  explicit MaxPooling2D(Ints<2> pool_size = 2, PoolingOptions<2> options = {});
};
class MaxPooling3D : public Layer {
 public:
  explicit MaxPooling3D(Ints<3> pool_size = 2, PoolingOptions<3> options = {});
};
class AveragePooling1D : public Layer {
 public:
  explicit AveragePooling1D(Ints<1> pool_size, PoolingOptions<1> options = {});
};
class AveragePooling2D : public Layer {
 public:
  explicit AveragePooling2D(Ints<2> pool_size, PoolingOptions<2> options = {});
};
class AveragePooling3D : public Layer {
 public:
  explicit AveragePooling3D(Ints<3> pool_size, PoolingOptions<3> options = {});
};
class GlobalAveragePooling1D : public Layer {
 public:
  explicit GlobalAveragePooling1D(GlobalPoolingOptions options = {});
};
class GlobalAveragePooling2D : public Layer {
 public:
  explicit GlobalAveragePooling2D(GlobalPoolingOptions options = {});
};
class GlobalAveragePooling3D : public Layer {
 public:
  explicit GlobalAveragePooling3D(GlobalPoolingOptions options = {});
};
class GlobalMaxPooling1D : public Layer {
 public:
  explicit GlobalMaxPooling1D(GlobalPoolingOptions options = {});
};
class GlobalMaxPooling2D : public Layer {
 public:
  explicit GlobalMaxPooling2D(GlobalPoolingOptions options = {});
};
class GlobalMaxPooling3D : public Layer {
 public:
  explicit GlobalMaxPooling3D(GlobalPoolingOptions options = {});
};
class AdaptiveAveragePooling1D : public Layer {
 public:
  explicit AdaptiveAveragePooling1D(Ints<1> output_size, DataFormatOptions options = {});
};
class AdaptiveAveragePooling2D : public Layer {
 public:
  explicit AdaptiveAveragePooling2D(Ints<2> output_size, DataFormatOptions options = {});
};
class AdaptiveAveragePooling3D : public Layer {
 public:
  explicit AdaptiveAveragePooling3D(Ints<3> output_size, DataFormatOptions options = {});
};
class AdaptiveMaxPooling1D : public Layer {
 public:
  explicit AdaptiveMaxPooling1D(Ints<1> output_size, DataFormatOptions options = {});
};
class AdaptiveMaxPooling2D : public Layer {
 public:
  explicit AdaptiveMaxPooling2D(Ints<2> output_size, DataFormatOptions options = {});
};
class AdaptiveMaxPooling3D : public Layer {
 public:
  explicit AdaptiveMaxPooling3D(Ints<3> output_size, DataFormatOptions options = {});
};

}  // namespace layers
}  // namespace mica
