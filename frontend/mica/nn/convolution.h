// Convolutions: NCHW, weights OIHW.
#pragma once
#include "mica/functional/convolution.h"
#include "mica/layer.h"

namespace mica::nn {

template <int N>
struct ConvOptions {
  Ints<N> stride = 1;
  Padding<N> padding = 0;
  Ints<N> dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";  // "reflect", "replicate", "circular"
};
class Conv1d : public Layer {
 public:
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, Ints<1> kernel_size, ConvOptions<1> options = {});
};
class Conv2d : public Layer {
 public:
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Ints<2> kernel_size, ConvOptions<2> options = {});
};
class Conv3d : public Layer {
 public:
  Conv3d(std::int64_t in_channels, std::int64_t out_channels, Ints<3> kernel_size, ConvOptions<3> options = {});
};

template <int N>
struct ConvTransposeOptions {
  Ints<N> stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  Ints<N> dilation = 1;
};
class ConvTranspose1d : public Layer {
 public:
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, Ints<1> kernel_size,
                  ConvTransposeOptions<1> options = {});
};
class ConvTranspose2d : public Layer {
 public:
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, Ints<2> kernel_size,
                  ConvTransposeOptions<2> options = {});
};
class ConvTranspose3d : public Layer {
 public:
  ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, Ints<3> kernel_size,
                  ConvTransposeOptions<3> options = {});
};

class Unfold : public Layer {
 public:
  explicit Unfold(Ints<2> kernel_size, F::FoldOptions<2> options = {});
};
class Fold : public Layer {
 public:
  Fold(Ints<2> output_size, Ints<2> kernel_size, F::FoldOptions<2> options = {});
};

}  // namespace mica::nn
