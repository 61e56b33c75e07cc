// Activations.
#pragma once
#include "mica/functional/activation.h"
#include "mica/layer.h"

namespace mica::nn {

class ReLU : public Layer {
 public:
  ReLU();
};
class ReLU6 : public Layer {
 public:
  ReLU6();
};
class Sigmoid : public Layer {
 public:
  Sigmoid();
};
class Tanh : public Layer {
 public:
  Tanh();
};
class SiLU : public Layer {
 public:
  SiLU();
};
class Mish : public Layer {
 public:
  Mish();
};
class SELU : public Layer {
 public:
  SELU();
};
class Hardswish : public Layer {
 public:
  Hardswish();
};
class Hardsigmoid : public Layer {
 public:
  Hardsigmoid();
};
class LogSigmoid : public Layer {
 public:
  LogSigmoid();
};
class Softsign : public Layer {
 public:
  Softsign();
};
class Tanhshrink : public Layer {
 public:
  Tanhshrink();
};
class Softplus : public Layer {
 public:
  explicit Softplus(F::SoftplusOptions options = {});
};
class GELU : public Layer {
 public:
  explicit GELU(F::GeluOptions options = {});
};
class LeakyReLU : public Layer {
 public:
  explicit LeakyReLU(double negative_slope = 0.01);
};
class ELU : public Layer {
 public:
  explicit ELU(double alpha = 1);
};
class CELU : public Layer {
 public:
  explicit CELU(double alpha = 1);
};
class PReLU : public Layer {
 public:
  explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25);
};
class GLU : public Layer {
 public:
  explicit GLU(int dim = -1);
};
class Hardtanh : public Layer {
 public:
  explicit Hardtanh(double min_val = -1, double max_val = 1);
};
class Hardshrink : public Layer {
 public:
  explicit Hardshrink(double lambd = 0.5);
};
class Softshrink : public Layer {
 public:
  explicit Softshrink(double lambd = 0.5);
};
class Threshold : public Layer {
 public:
  Threshold(double threshold, double value);
};
class RReLU : public Layer {
 public:
  explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3);
};
class Softmax : public Layer {
 public:
  explicit Softmax(int dim);
};
class Softmin : public Layer {
 public:
  explicit Softmin(int dim);
};
class LogSoftmax : public Layer {
 public:
  explicit LogSoftmax(int dim);
};
class Softmax2d : public Layer {  // over the channels
 public:
  Softmax2d();
};

}  // namespace mica::nn
