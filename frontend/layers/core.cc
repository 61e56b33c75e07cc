// Layers without windows or weights of their own: activations, Lambda, Rescaling, Identity, Masking.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/activation.h"
#include "frontend/mica/layers/preprocessing.h"

namespace mica {
namespace layers {
namespace {

using namespace internal;

BuiltinLayer::Common common(const char* class_name, const NameOptions& o) {
  return {class_name, o.name, o.trainable, o.dtype};
}

class ActivationLayer final : public BuiltinLayer {
 public:
  ActivationLayer(ActivationFn activation, const NameOptions& o)
      : BuiltinLayer(common("Activation", o)), activation_(std::move(activation)) {
    settle();
  }
  ActivationLayer() : ActivationLayer({}, {}) {}
  void settle() override { state().passes_masks = true; }
  void fields(FieldVisitor& v) override { v.required("activation", activation_); }

 protected:
  Tensor forward(const Tensor& x) override { return activation_(x); }

 private:
  ActivationFn activation_;
};

class IdentityLayer final : public BuiltinLayer {
 public:
  explicit IdentityLayer(const NameOptions& o = {}) : BuiltinLayer(common("Identity", o)) {
    state().passes_masks = true;
  }
};

class MaskingLayer final : public BuiltinLayer {
 public:
  explicit MaskingLayer(double value = 0, const NameOptions& o = {})
      : BuiltinLayer(common("Masking", o)), value_(value) {}
  void fields(FieldVisitor& v) override { v.field("mask_value", value_); }
  Tensor compute_mask(const Tensor& x, const Tensor&) const override { return (x != value_).any(-1); }

 protected:
  Tensor forward(const Tensor& x) override {
    expect_min_rank(x.shape(), 3);
    return x * (x != value_).any(-1, {.keepdim = true}).to(x.dtype());
  }

 private:
  double value_;
};

class LambdaLayer final : public BuiltinLayer {
 public:
  LambdaLayer(std::function<Tensor(const Tensors&)> function, const NameOptions& o, const char* class_name)
      : BuiltinLayer(common(class_name, o)), function_(std::move(function)) {
    state().passes_masks = true;
  }

 protected:
  Tensors forward_all(const Tensors& xs) override { return {function_(xs)}; }

 private:
  std::function<Tensor(const Tensors&)> function_;
};

std::function<Tensor(const Tensors&)> of_one(std::function<Tensor(const Tensor&)> function) {
  return [function = std::move(function)](const Tensors& xs) {
    if (xs.size() == 1) return function(xs[0]);
    throw Error({.where = LayerScope::current_path(),
                 .expected = "one tensor",
                 .received = absl::StrCat(xs.size()),
                 .hint = "Give Lambda a function of Tensors."});
  };
}

class RescalingLayer final : public BuiltinLayer {
 public:
  explicit RescalingLayer(double scale = 1, double offset = 0, const NameOptions& o = {})
      : BuiltinLayer(common("Rescaling", o)), scale_(scale), offset_(offset) {
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.required("scale", scale_);
    v.field("offset", offset_);
  }

 protected:
  Tensor forward(const Tensor& x) override {
    Tensor scaled = to_floating(x) * scale_;
    return offset_ == 0 ? scaled : scaled + offset_;
  }

 private:
  double scale_, offset_;
};

class ReLULayer final : public BuiltinLayer {
 public:
  explicit ReLULayer(ReLUOptions o = {})
      : BuiltinLayer({"ReLU", o.name, o.trainable, o.dtype}),
        max_value_(o.max_value),
        negative_slope_(o.negative_slope),
        threshold_(o.threshold) {
    settle();
  }
  void settle() override {
    if (max_value_ && *max_value_ < 0) fail("max_value of at least 0", absl::StrCat(*max_value_));
    if (negative_slope_ < 0) fail("negative_slope of at least 0", absl::StrCat(negative_slope_));
    if (threshold_ < 0) fail("threshold of at least 0", absl::StrCat(threshold_));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("max_value", max_value_);
    v.field("negative_slope", negative_slope_);
    v.field("threshold", threshold_);
  }

 protected:
  // x above the threshold, up to max_value; negative_slope · (x - threshold) below.
  Tensor forward(const Tensor& input) override {
    Tensor x = to_floating(input);
    if (threshold_ == 0 && negative_slope_ == 0) return max_value_ ? x.relu().clamp({}, *max_value_) : x.relu();
    Tensor above = max_value_ ? x.clamp({}, *max_value_) : x;
    return where(x >= threshold_, above, (x - threshold_) * negative_slope_);
  }

 private:
  std::optional<double> max_value_;
  double negative_slope_, threshold_;
};

// An activation that is one operation with one number.
class ParameterActivation final : public BuiltinLayer {
 public:
  ParameterActivation(const char* class_name, const char* op, const char* parameter, double value, const NameOptions& o)
      : BuiltinLayer(common(class_name, o)), op_(op), parameter_(parameter), value_(value) {
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override { v.field(parameter_, value_); }

 protected:
  Tensor forward(const Tensor& x) override { return apply(op_, {to_floating(x)}, {{parameter_, value_}}); }

 private:
  const char *op_, *parameter_;
  double value_;
};

std::shared_ptr<BuiltinLayer> parameter_activation(const char* class_name, const char* op, const char* parameter,
                                                   double value, const NameOptions& o) {
  return std::make_shared<ParameterActivation>(class_name, op, parameter, value, o);
}

class PReLULayer final : public BuiltinLayer {
 public:
  explicit PReLULayer(PReLUOptions o = {}) : BuiltinLayer({"PReLU", o.name, o.trainable, o.dtype}), o_(std::move(o)) {
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("alpha_initializer", o_.alpha_initializer);
    v.field("alpha_regularizer", o_.alpha_regularizer);
    v.field("alpha_constraint", o_.alpha_constraint);
    v.field("shared_axes", o_.shared_axes);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    std::vector<std::int64_t> shape(inputs[0].begin() + 1, inputs[0].end());
    for (std::int64_t axis : o_.shared_axes.list()) {
      shape[static_cast<std::size_t>(checked_axis(axis, inputs[0].rank(), name()) - 1)] = 1;
    }
    alpha_ = add_weight({.shape = Shape(std::move(shape)),
                         .initializer = o_.alpha_initializer,
                         .dtype = weight_dtype(),
                         .regularizer = o_.alpha_regularizer,
                         .constraint = o_.alpha_constraint,
                         .name = "alpha"});
  }
  Tensor forward(const Tensor& x) override { return x.relu() - alpha_ * (-x).relu(); }

 private:
  PReLUOptions o_;
  Variable alpha_;
};

class SoftmaxLayer final : public BuiltinLayer {
 public:
  explicit SoftmaxLayer(AxisOptions o = {}) : BuiltinLayer({"Softmax", o.name, o.trainable, o.dtype}), axis_(o.axis) {
    state().passes_masks = state().takes_mask = true;
  }
  void fields(FieldVisitor& v) override { v.field("axis", axis_); }

 protected:
  Tensor forward(const Tensor& input) override {
    Tensor x = to_floating(input);
    int axis = static_cast<int>(axis_);
    Tensor valid = mask();
    if (!valid.defined() || valid.dim() != x.dim()) return x.softmax(axis);
    return where(valid, x, -1e9).softmax(axis) * valid.to(x.dtype());
  }

 private:
  std::int64_t axis_;
};

}  // namespace

Activation::Activation(ActivationFn activation, NameOptions options)
    : Layer(std::make_shared<ActivationLayer>(std::move(activation), options)) {}
Identity::Identity(NameOptions options) : Layer(std::make_shared<IdentityLayer>(options)) {}
Masking::Masking(double mask_value, NameOptions options) : Layer(std::make_shared<MaskingLayer>(mask_value, options)) {}
Lambda::Lambda(std::function<Tensor(const Tensor&)> function, NameOptions options)
    : Layer(std::make_shared<LambdaLayer>(of_one(std::move(function)), options, "Lambda")) {}
Lambda::Lambda(std::function<Tensor(const Tensors&)> function, NameOptions options)
    : Layer(std::make_shared<LambdaLayer>(std::move(function), options, "Lambda")) {}
Rescaling::Rescaling(double scale, double offset, NameOptions options)
    : Layer(std::make_shared<RescalingLayer>(scale, offset, options)) {}
ReLU::ReLU(ReLUOptions options) : Layer(std::make_shared<ReLULayer>(std::move(options))) {}
LeakyReLU::LeakyReLU(double negative_slope, NameOptions options)
    : Layer(parameter_activation("LeakyReLU", "leaky_relu", "negative_slope", negative_slope, options)) {}
ELU::ELU(double alpha, NameOptions options) : Layer(parameter_activation("ELU", "elu", "alpha", alpha, options)) {}
PReLU::PReLU(PReLUOptions options) : Layer(std::make_shared<PReLULayer>(std::move(options))) {}
Softmax::Softmax(AxisOptions options) : Layer(std::make_shared<SoftmaxLayer>(std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::core_layers() {
  return {{"Activation", make_default<ActivationLayer>},
          {"Identity", make_default<IdentityLayer>},
          {"Masking", make_default<MaskingLayer>}};
}

std::vector<internal::LayerClass> internal::preprocessing_layers() {
  return {{"Rescaling", make_default<RescalingLayer>}};
}

std::vector<internal::LayerClass> internal::activation_layers() {
  return {{"ELU", [] { return parameter_activation("ELU", "elu", "alpha", 1, {}); }},
          {"LeakyReLU", [] { return parameter_activation("LeakyReLU", "leaky_relu", "negative_slope", 0.3, {}); }},
          {"PReLU", make_default<PReLULayer>},
          {"ReLU", make_default<ReLULayer>},
          {"Softmax", make_default<SoftmaxLayer>}};
}

Layer Layer::of_function(std::function<Tensor(const Tensor&)> function) { return layers::Lambda(std::move(function)); }

}  // namespace mica
