// Linear maps and convolutions of torch.nn.functional: NCHW, weights OIHW. A missing bias is {}.
#pragma once
#include "mica/tensor.h"

namespace mica {

template <int N>
class Padding {  // 1, {1, 2}, "same", "valid"
 public:
  Padding(std::integral auto every) : sizes_(every) {}
  template <std::integral... T>
    requires(sizeof...(T) == N && N > 1)
  Padding(T... each) : sizes_(each...) {}
  Padding(const char* mode) : sizes_(0), mode_(mode) {}
  std::int64_t operator[](int axis) const { return sizes_[axis]; }
  const std::string& mode() const { return mode_; }  // empty: the sizes

 private:
  Ints<N> sizes_;
  std::string mode_;
};

namespace F {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias = {});

template <int N>
struct ConvOptions {
  Ints<N> stride = 1;
  Padding<N> padding = 0;
  Ints<N> dilation = 1;
  std::int64_t groups = 1;
};
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, ConvOptions<1> options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, ConvOptions<2> options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, ConvOptions<3> options = {});

template <int N>
struct ConvTransposeOptions {
  Ints<N> stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  Ints<N> dilation = 1;
};
// weight [in, out / groups, window…].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        ConvTransposeOptions<1> options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        ConvTransposeOptions<2> options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        ConvTransposeOptions<3> options = {});

template <int N>
struct FoldOptions {
  Ints<N> dilation = 1, padding = 0, stride = 1;
};
// Windows as columns: [N, C * window, positions], and the sum of such columns back in their places.
Tensor unfold(const Tensor& x, Ints<2> kernel_size, FoldOptions<2> options = {});
Tensor fold(const Tensor& x, Ints<2> output_size, Ints<2> kernel_size, FoldOptions<2> options = {});

}  // namespace F
}  // namespace mica
