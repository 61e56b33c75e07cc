// Activations of torch.nn.functional. Those without options are plain functions of one tensor and can be passed as
// `.activation = F::relu`.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

Tensor relu(const Tensor& x);
Tensor relu6(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor mish(const Tensor& x);
Tensor selu(const Tensor& x);
Tensor hardswish(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor logsigmoid(const Tensor& x);
Tensor softsign(const Tensor& x);
Tensor tanhshrink(const Tensor& x);
struct GeluOptions {
  std::string approximate = "none";  // or "tanh"
};
Tensor gelu(const Tensor& x, GeluOptions options = {});
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
Tensor elu(const Tensor& x, double alpha = 1.0);
Tensor celu(const Tensor& x, double alpha = 1.0);
Tensor prelu(const Tensor& x, const Tensor& weight);  // weight: one slope, or one for each channel (axis 1)
struct RreluOptions {
  double lower = 1.0 / 8, upper = 1.0 / 3;
  bool training = false;  // a slope drawn for each element; else the mean of the bounds
};
Tensor rrelu(const Tensor& x, RreluOptions options = {});
Tensor glu(const Tensor& x, int dim = -1);
Tensor hardtanh(const Tensor& x, double min_val = -1, double max_val = 1);
Tensor hardshrink(const Tensor& x, double lambd = 0.5);
Tensor softshrink(const Tensor& x, double lambd = 0.5);
struct SoftplusOptions {
  double beta = 1, threshold = 20;
};
Tensor softplus(const Tensor& x, SoftplusOptions options = {});
Tensor threshold(const Tensor& x, double threshold, double value);
Tensor softmax(const Tensor& x, int dim);  // dim is always said
Tensor softmin(const Tensor& x, int dim);
Tensor log_softmax(const Tensor& x, int dim);
struct GumbelSoftmaxOptions {
  double tau = 1;
  bool hard = false;  // one-hot, with the gradient of the soft sample
  int dim = -1;
};
Tensor gumbel_softmax(const Tensor& logits, GumbelSoftmaxOptions options = {});

}  // namespace mica::F
