#include "frontend/mica/nn/activation.h"

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using internal::python_text;
using internal::stateless_module;

class PReLUModule final : public internal::BuiltinModule {
 public:
  PReLUModule(std::int64_t num_parameters, double init) : BuiltinModule("PReLU"), num_parameters_(num_parameters) {
    expect_positive("num_parameters", num_parameters);
    register_parameter("weight", full({num_parameters}, init));
  }
  std::string module_text() const override { return absl::StrCat("num_parameters=", num_parameters_); }

 protected:
  Tensor forward(const Tensor& x) override { return F::prelu(x, weight("weight")); }

 private:
  std::int64_t num_parameters_;
};

std::string dim_text(int dim) { return absl::StrCat("dim=", dim); }

}  // namespace

ReLU::ReLU() : Layer(stateless_module("ReLU", "", F::relu)) {}
ReLU6::ReLU6() : Layer(stateless_module("ReLU6", "", F::relu6)) {}
Sigmoid::Sigmoid() : Layer(stateless_module("Sigmoid", "", F::sigmoid)) {}
Tanh::Tanh() : Layer(stateless_module("Tanh", "", F::tanh)) {}
SiLU::SiLU() : Layer(stateless_module("SiLU", "", F::silu)) {}
Mish::Mish() : Layer(stateless_module("Mish", "", F::mish)) {}
SELU::SELU() : Layer(stateless_module("SELU", "", F::selu)) {}
Hardswish::Hardswish() : Layer(stateless_module("Hardswish", "", F::hardswish)) {}
Hardsigmoid::Hardsigmoid() : Layer(stateless_module("Hardsigmoid", "", F::hardsigmoid)) {}
LogSigmoid::LogSigmoid() : Layer(stateless_module("LogSigmoid", "", F::logsigmoid)) {}
Softsign::Softsign() : Layer(stateless_module("Softsign", "", F::softsign)) {}
Tanhshrink::Tanhshrink() : Layer(stateless_module("Tanhshrink", "", F::tanhshrink)) {}

Softplus::Softplus(F::SoftplusOptions options)
    : Layer(stateless_module(
          "Softplus", absl::StrCat("beta=", python_text(options.beta), ", threshold=", python_text(options.threshold)),
          [=](const Tensor& x) { return F::softplus(x, options); })) {}
GELU::GELU(F::GeluOptions options)
    : Layer(stateless_module("GELU", absl::StrCat("approximate='", options.approximate, "'"),
                             [=](const Tensor& x) { return F::gelu(x, options); })) {}
LeakyReLU::LeakyReLU(double negative_slope)
    : Layer(stateless_module("LeakyReLU", absl::StrCat("negative_slope=", python_text(negative_slope)),
                             [=](const Tensor& x) { return F::leaky_relu(x, negative_slope); })) {}
ELU::ELU(double alpha)
    : Layer(stateless_module("ELU", absl::StrCat("alpha=", python_text(alpha)),
                             [=](const Tensor& x) { return F::elu(x, alpha); })) {}
CELU::CELU(double alpha)
    : Layer(stateless_module("CELU", absl::StrCat("alpha=", python_text(alpha)),
                             [=](const Tensor& x) { return F::celu(x, alpha); })) {}
PReLU::PReLU(std::int64_t num_parameters, double init) : Layer(std::make_shared<PReLUModule>(num_parameters, init)) {}
GLU::GLU(int dim) : Layer(stateless_module("GLU", dim_text(dim), [=](const Tensor& x) { return F::glu(x, dim); })) {}
Hardtanh::Hardtanh(double min_val, double max_val)
    : Layer(stateless_module("Hardtanh",
                             absl::StrCat("min_val=", python_text(min_val), ", max_val=", python_text(max_val)),
                             [=](const Tensor& x) { return F::hardtanh(x, min_val, max_val); })) {}
Hardshrink::Hardshrink(double lambd)
    : Layer(stateless_module("Hardshrink", python_text(lambd),
                             [=](const Tensor& x) { return F::hardshrink(x, lambd); })) {}
Softshrink::Softshrink(double lambd)
    : Layer(stateless_module("Softshrink", python_text(lambd),
                             [=](const Tensor& x) { return F::softshrink(x, lambd); })) {}
Threshold::Threshold(double threshold, double value)
    : Layer(stateless_module("Threshold",
                             absl::StrCat("threshold=", python_text(threshold), ", value=", python_text(value)),
                             [=](const Tensor& x) { return F::threshold(x, threshold, value); })) {}
RReLU::RReLU(double lower, double upper)
    : Layer(stateless_module("RReLU", absl::StrCat("lower=", python_text(lower), ", upper=", python_text(upper)),
                             [=](const Tensor& x, bool training) {
                               return F::rrelu(x, {.lower = lower, .upper = upper, .training = training});
                             })) {}
Softmax::Softmax(int dim)
    : Layer(stateless_module("Softmax", dim_text(dim), [=](const Tensor& x) { return F::softmax(x, dim); })) {}
Softmin::Softmin(int dim)
    : Layer(stateless_module("Softmin", dim_text(dim), [=](const Tensor& x) { return F::softmin(x, dim); })) {}
LogSoftmax::LogSoftmax(int dim)
    : Layer(stateless_module("LogSoftmax", dim_text(dim), [=](const Tensor& x) { return F::log_softmax(x, dim); })) {}
Softmax2d::Softmax2d() : Layer(stateless_module("Softmax2d", "", [](const Tensor& x) { return F::softmax(x, -3); })) {}

}  // namespace mica::nn
