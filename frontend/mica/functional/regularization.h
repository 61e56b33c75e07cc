// Dropouts of torch.nn.functional. Without training they change nothing.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct DropoutOptions {
  bool training = true;
};
Tensor dropout(const Tensor& x, double p = 0.5, DropoutOptions options = {});
// Whole channels (axes 0 and 1 of x) together.
Tensor dropout1d(const Tensor& x, double p = 0.5, DropoutOptions options = {});
Tensor dropout2d(const Tensor& x, double p = 0.5, DropoutOptions options = {});
Tensor dropout3d(const Tensor& x, double p = 0.5, DropoutOptions options = {});
// Mean and variance of x stay: for SELU.
Tensor alpha_dropout(const Tensor& x, double p = 0.5, DropoutOptions options = {});
Tensor feature_alpha_dropout(const Tensor& x, double p = 0.5, DropoutOptions options = {});

}  // namespace mica::F
