#include "frontend/mica/nn/linear.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functional/convolution.h"
#include "frontend/mica/nn/lazy.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

class LinearModule final : public BuiltinModule {
 public:
  LinearModule(std::int64_t in, std::int64_t out, BiasOptions options)
      : BuiltinModule("Linear"), in_(in), out_(out), options_(options) {
    double bound = default_bound({out, in});
    register_parameter("weight", uniform_values({out, in}, -bound, bound));
    if (options.bias) register_parameter("bias", uniform_values({out}, -bound, bound));
  }
  // Lazy.
  LinearModule(std::int64_t out, BiasOptions options) : BuiltinModule("LazyLinear"), out_(out), options_(options) {
    be_lazy("Linear");
    declare_parameter("weight");
    if (options.bias) declare_parameter("bias");
  }
  Layer with_weights(const Tensor& weight, const Tensor& bias) const override {
    auto copy = std::make_shared<LinearModule>(in_, out_, BiasOptions{});
    copy->register_parameter("weight", weight);
    copy->register_parameter("bias", bias);
    return Layer::of(copy);
  }
  std::string module_text() const override {
    return absl::StrCat("in_features=", in_, ", out_features=", out_, ", bias=", python_text(options_.bias));
  }

 protected:
  Tensor forward(const Tensor& x) override {
    if (x.dim() < 1 || x.size(-1) != in_) {
      fail(absl::StrCat("the last dimension of the input to be ", in_), describe(x));
    }
    return F::linear(x, weight("weight"), weight("bias"));
  }
  void infer(const Shape& input) override {
    if (input.rank() < 1) fail("an input of rank 1 or more", input.to_string());
    in_ = input.back();
    double bound = default_bound({out_, in_});
    provide("weight", uniform_values({out_, in_}, -bound, bound));
    if (options_.bias) provide("bias", uniform_values({out_}, -bound, bound));
  }

 private:
  std::int64_t in_ = 0, out_;
  BiasOptions options_;
};

class BilinearModule final : public BuiltinModule {
 public:
  BilinearModule(std::int64_t in1, std::int64_t in2, std::int64_t out, BiasOptions options)
      : BuiltinModule("Bilinear"), in1_(in1), in2_(in2), out_(out), options_(options) {
    expect_positive("in1_features", in1);
    double bound = 1 / std::sqrt(static_cast<double>(in1));
    register_parameter("weight", uniform_values({out, in1, in2}, -bound, bound));
    if (options.bias) register_parameter("bias", uniform_values({out}, -bound, bound));
  }
  std::string module_text() const override {
    return absl::StrCat("in1_features=", in1_, ", in2_features=", in2_, ", out_features=", out_,
                        ", bias=", python_text(options_.bias));
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    return {F::bilinear(xs[0], xs[1], weight("weight"), weight("bias"))};
  }

 private:
  std::int64_t in1_, in2_, out_;
  BiasOptions options_;
};

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, BiasOptions options)
    : Layer(std::make_shared<LinearModule>(in_features, out_features, options)) {}
LazyLinear::LazyLinear(std::int64_t out_features, BiasOptions options)
    : Layer(std::make_shared<LinearModule>(out_features, options)) {}
Bilinear::Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features, BiasOptions options)
    : Layer(std::make_shared<BilinearModule>(in1_features, in2_features, out_features, options)) {}
Identity::Identity() : Layer(stateless_module("Identity", "", [](const Tensor& x) { return x; })) {}
Flatten::Flatten(int start_dim, int end_dim)
    : Layer(stateless_module("Flatten", absl::StrCat("start_dim=", start_dim, ", end_dim=", end_dim),
                             [=](const Tensor& x) { return x.flatten(start_dim, end_dim); })) {}
Unflatten::Unflatten(int dim, const Shape& size)
    : Layer(stateless_module("Unflatten", absl::StrCat("dim=", dim, ", unflattened_size=", python_text(size)),
                             [=](const Tensor& x) { return x.unflatten(dim, size); })) {}

}  // namespace mica::nn
