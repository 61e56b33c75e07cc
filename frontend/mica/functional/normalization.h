// Normalisations of torch.nn.functional: channels are axis 1.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

// With training, running_mean and running_var are updated in place where they are Variables.
struct BatchNormOptions {
  Tensor weight = {}, bias = {};
  bool training = false;
  double momentum = 0.1, eps = 1e-5;
};
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  BatchNormOptions options = {});
struct NormOptions {
  Tensor weight = {}, bias = {};
  double eps = 1e-5;
};
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, NormOptions options = {});
struct RmsNormOptions {
  Tensor weight = {};
  std::optional<double> eps = {};  // none: the machine epsilon of x's type
};
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, RmsNormOptions options = {});
Tensor group_norm(const Tensor& x, std::int64_t num_groups, NormOptions options = {});
struct InstanceNormOptions {
  Tensor running_mean = {}, running_var = {}, weight = {}, bias = {};
  bool use_input_stats = true;  // with them, the running ones are updated where they are Variables
  double momentum = 0.1, eps = 1e-5;
};
Tensor instance_norm(const Tensor& x, InstanceNormOptions options = {});
struct LrnOptions {
  double alpha = 1e-4, beta = 0.75, k = 1;
};
Tensor local_response_norm(const Tensor& x, std::int64_t size, LrnOptions options = {});

}  // namespace mica::F
