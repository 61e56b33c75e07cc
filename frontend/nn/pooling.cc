#include "frontend/mica/nn/pooling.h"

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"
#include "frontend/nn/functional/support.h"

namespace mica::nn {
namespace {

using internal::BuiltinModule;
using internal::python_text;
using internal::stateless_module;

// PyTorch prints what it was given: one number where all axes have the same.
template <int N>
std::string given(const Ints<N>& sizes) {
  for (int i = 1; i < N; ++i) {
    if (sizes[i] != sizes[0]) return python_text(sizes);
  }
  return python_text(sizes[0]);
}

template <int N>
std::string max_pool_text(const Ints<N>& size, const F::MaxPoolOptions<N>& o) {
  return absl::StrCat("kernel_size=", given(size), ", stride=", given(o.stride.value_or(size)),
                      ", padding=", given(o.padding), ", dilation=", given(o.dilation),
                      ", ceil_mode=", python_text(o.ceil_mode));
}
// PyTorch's unpooling and one-dimensional average hold their sizes as tuples.
template <int N>
std::string tuple_text(const Ints<N>& size, const std::optional<Ints<N>>& stride, const Ints<N>& padding) {
  return absl::StrCat("kernel_size=", python_text(size), ", stride=", python_text(stride.value_or(size)),
                      ", padding=", python_text(padding));
}
template <int N>
std::string avg_pool_text(const Ints<N>& size, const F::AvgPoolOptions<N>& o) {
  if (N == 1) return tuple_text(size, o.stride, o.padding);
  return absl::StrCat("kernel_size=", given(size), ", stride=", given(o.stride.value_or(size)),
                      ", padding=", given(o.padding));
}
template <int N>
std::string lp_pool_text(double norm_type, const Ints<N>& size, const F::LpPoolOptions<N>& o) {
  return absl::StrCat("norm_type=", python_text(norm_type), ", kernel_size=", given(size),
                      ", stride=", o.stride ? given(*o.stride) : "None", ", ceil_mode=", python_text(o.ceil_mode));
}
template <int N>
std::string adaptive_text(const Ints<N>& size) {
  return absl::StrCat("output_size=", given(size));
}

// A pooling that gives positions too where it is asked for them.
class MaxPoolModule final : public BuiltinModule {
 public:
  using Pool = std::function<MaxResult(const Tensor&)>;
  MaxPoolModule(const char* class_name, std::string text, Pool pool)
      : BuiltinModule(class_name), text_(std::move(text)), pool_(std::move(pool)) {}
  std::string module_text() const override { return text_; }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 1, 1);
    MaxResult result = pool_(xs[0]);
    return result.indices.defined() ? Tensors{result.values, result.indices} : Tensors{result.values};
  }

 private:
  std::string text_;
  Pool pool_;
};

// Of a function of torch.nn.functional in both its forms, and its arguments.
template <class... Arguments>
std::shared_ptr<CustomLayer> max_pooling(const char* class_name, std::string text, bool return_indices,
                                         Tensor (*pool)(const Tensor&, Arguments...),
                                         MaxResult (*with_indices)(const Tensor&, Arguments...),
                                         std::type_identity_t<Arguments>... arguments) {
  return std::make_shared<MaxPoolModule>(class_name, std::move(text), [=](const Tensor& x) {
    return return_indices ? with_indices(x, arguments...) : MaxResult{pool(x, arguments...), {}};
  });
}

// Random samples of one's own are a buffer, as in PyTorch.
template <int N>
std::shared_ptr<CustomLayer> fractional_pooling(const char* class_name,
                                                Tensor (*pool)(const Tensor&, Ints<N>, F::FractionalMaxPoolOptions<N>),
                                                MaxResult (*with_indices)(const Tensor&, Ints<N>,
                                                                          F::FractionalMaxPoolOptions<N>),
                                                const Ints<N>& size, F::FractionalMaxPoolOptions<N> options) {
  constexpr const char* kSamples = "_random_samples";
  const bool has_samples = options.random_samples.defined();
  if (has_samples) options.random_samples = Variable(options.random_samples, kSamples, false);
  const std::shared_ptr<CustomLayer> module =
      max_pooling(class_name, "", options.return_indices, pool, with_indices, size, options);
  if (has_samples) internal::add_named_weight(*module, kSamples, options.random_samples, true, false);
  return module;
}

// Of values and indices; the output size, where it is given, belongs to the call.
template <int N>
class UnpoolModule final : public BuiltinModule {
 public:
  using Unpool = Tensor (*)(const Tensor&, const Tensor&, Ints<N>, F::MaxPoolOptions<N>);
  UnpoolModule(const char* class_name, Unpool unpool, const Ints<N>& size, const F::MaxPoolOptions<N>& options)
      : BuiltinModule(class_name), unpool_(unpool), size_(size), options_(options) {}
  std::string module_text() const override { return tuple_text(size_, options_.stride, options_.padding); }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    const ir::Ints given = list_option("output_size");
    F::MaxPoolOptions<N> options = options_;
    if (!given.empty()) options.output_size = ints_of(given, std::make_index_sequence<N>());
    return {unpool_(xs[0], xs[1], size_, options)};
  }

 private:
  template <std::size_t... I>
  static Ints<N> ints_of(const ir::Ints& list, std::index_sequence<I...>) {
    return Ints<N>(list.at(I)...);
  }

  Unpool unpool_;
  Ints<N> size_;
  F::MaxPoolOptions<N> options_;
};

template <int N>
Tensor unpooled(const Layer& module, const Tensor& x, const Tensor& indices,
                const std::optional<Ints<N>>& output_size) {
  ir::Attrs options;
  if (output_size) options.set("output_size", F::list_of(*output_size));
  return internal::call_module(module, {x, indices}, std::move(options))[0];
}

}  // namespace

MaxPool1d::MaxPool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options)
    : Layer(max_pooling("MaxPool1d", max_pool_text(kernel_size, options), options.return_indices, F::max_pool1d,
                        F::max_pool1d_with_indices, kernel_size, options)) {}
MaxPool2d::MaxPool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options)
    : Layer(max_pooling("MaxPool2d", max_pool_text(kernel_size, options), options.return_indices, F::max_pool2d,
                        F::max_pool2d_with_indices, kernel_size, options)) {}
MaxPool3d::MaxPool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options)
    : Layer(max_pooling("MaxPool3d", max_pool_text(kernel_size, options), options.return_indices, F::max_pool3d,
                        F::max_pool3d_with_indices, kernel_size, options)) {}
MaxUnpool1d::MaxUnpool1d(Ints<1> kernel_size, F::MaxPoolOptions<1> options)
    : Layer(std::make_shared<UnpoolModule<1>>("MaxUnpool1d", F::max_unpool1d, kernel_size, options)) {}
Tensor MaxUnpool1d::operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<1>> output_size) const {
  return unpooled<1>(*this, x, indices, output_size);
}
MaxUnpool2d::MaxUnpool2d(Ints<2> kernel_size, F::MaxPoolOptions<2> options)
    : Layer(std::make_shared<UnpoolModule<2>>("MaxUnpool2d", F::max_unpool2d, kernel_size, options)) {}
Tensor MaxUnpool2d::operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<2>> output_size) const {
  return unpooled<2>(*this, x, indices, output_size);
}
MaxUnpool3d::MaxUnpool3d(Ints<3> kernel_size, F::MaxPoolOptions<3> options)
    : Layer(std::make_shared<UnpoolModule<3>>("MaxUnpool3d", F::max_unpool3d, kernel_size, options)) {}
Tensor MaxUnpool3d::operator()(const Tensor& x, const Tensor& indices, std::optional<Ints<3>> output_size) const {
  return unpooled<3>(*this, x, indices, output_size);
}
FractionalMaxPool2d::FractionalMaxPool2d(Ints<2> kernel_size, F::FractionalMaxPoolOptions<2> options)
    : Layer(fractional_pooling<2>("FractionalMaxPool2d", F::fractional_max_pool2d,
                                  F::fractional_max_pool2d_with_indices, kernel_size, std::move(options))) {}
FractionalMaxPool3d::FractionalMaxPool3d(Ints<3> kernel_size, F::FractionalMaxPoolOptions<3> options)
    : Layer(fractional_pooling<3>("FractionalMaxPool3d", F::fractional_max_pool3d,
                                  F::fractional_max_pool3d_with_indices, kernel_size, std::move(options))) {}
AvgPool1d::AvgPool1d(Ints<1> kernel_size, F::AvgPoolOptions<1> options)
    : Layer(stateless_module("AvgPool1d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool1d(x, kernel_size, options); })) {}
AvgPool2d::AvgPool2d(Ints<2> kernel_size, F::AvgPoolOptions<2> options)
    : Layer(stateless_module("AvgPool2d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool2d(x, kernel_size, options); })) {}
AvgPool3d::AvgPool3d(Ints<3> kernel_size, F::AvgPoolOptions<3> options)
    : Layer(stateless_module("AvgPool3d", avg_pool_text(kernel_size, options),
                             [=](const Tensor& x) { return F::avg_pool3d(x, kernel_size, options); })) {}
LPPool1d::LPPool1d(double norm_type, Ints<1> kernel_size, F::LpPoolOptions<1> options)
    : Layer(stateless_module("LPPool1d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool1d(x, norm_type, kernel_size, options); })) {}
LPPool2d::LPPool2d(double norm_type, Ints<2> kernel_size, F::LpPoolOptions<2> options)
    : Layer(stateless_module("LPPool2d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool2d(x, norm_type, kernel_size, options); })) {}
LPPool3d::LPPool3d(double norm_type, Ints<3> kernel_size, F::LpPoolOptions<3> options)
    : Layer(stateless_module("LPPool3d", lp_pool_text(norm_type, kernel_size, options),
                             [=](const Tensor& x) { return F::lp_pool3d(x, norm_type, kernel_size, options); })) {}
AdaptiveAvgPool1d::AdaptiveAvgPool1d(Ints<1> output_size)
    : Layer(stateless_module("AdaptiveAvgPool1d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool1d(x, output_size); })) {}
AdaptiveAvgPool2d::AdaptiveAvgPool2d(Ints<2> output_size)
    : Layer(stateless_module("AdaptiveAvgPool2d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool2d(x, output_size); })) {}
AdaptiveAvgPool3d::AdaptiveAvgPool3d(Ints<3> output_size)
    : Layer(stateless_module("AdaptiveAvgPool3d", adaptive_text(output_size),
                             [=](const Tensor& x) { return F::adaptive_avg_pool3d(x, output_size); })) {}
AdaptiveMaxPool1d::AdaptiveMaxPool1d(Ints<1> output_size, AdaptiveMaxPoolOptions options)
    : Layer(max_pooling("AdaptiveMaxPool1d", adaptive_text(output_size), options.return_indices, F::adaptive_max_pool1d,
                        F::adaptive_max_pool1d_with_indices, output_size)) {}
AdaptiveMaxPool2d::AdaptiveMaxPool2d(Ints<2> output_size, AdaptiveMaxPoolOptions options)
    : Layer(max_pooling("AdaptiveMaxPool2d", adaptive_text(output_size), options.return_indices, F::adaptive_max_pool2d,
                        F::adaptive_max_pool2d_with_indices, output_size)) {}
AdaptiveMaxPool3d::AdaptiveMaxPool3d(Ints<3> output_size, AdaptiveMaxPoolOptions options)
    : Layer(max_pooling("AdaptiveMaxPool3d", adaptive_text(output_size), options.return_indices, F::adaptive_max_pool3d,
                        F::adaptive_max_pool3d_with_indices, output_size)) {}

}  // namespace mica::nn
