// Activations with options or weights of their own.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/softmax.h"
#include "frontend/mica/layers/activation.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class ReLULayer final : public BuiltinLayer {
 public:
  explicit ReLULayer(ReLUOptions o = {}) : BuiltinLayer({"ReLU", o.name, o.trainable, o.dtype}), o_(std::move(o)) {
    settle();
  }
  void settle() override {
    if (o_.max_value && *o_.max_value < 0) fail("max_value of at least 0", absl::StrCat(*o_.max_value));
    if (o_.negative_slope < 0) fail("negative_slope of at least 0", absl::StrCat(o_.negative_slope));
    if (o_.threshold < 0) fail("threshold of at least 0", absl::StrCat(o_.threshold));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("max_value", o_.max_value);
    v.field("negative_slope", o_.negative_slope);
    v.field("threshold", o_.threshold);
  }

 protected:
  // x above the threshold, up to max_value; negative_slope · (x - threshold) below.
  Tensor forward(const Tensor& input) override {
    Tensor x = floating(input);
    if (o_.threshold == 0 && o_.negative_slope == 0) return o_.max_value ? x.relu().clamp({}, *o_.max_value) : x.relu();
    Tensor above = o_.max_value ? x.clamp({}, *o_.max_value) : x;
    return where(x > o_.threshold, above, (x - o_.threshold) * o_.negative_slope);
  }

 private:
  ReLUOptions o_;
};

// An activation that is one operation with one number.
class ParameterActivation final : public BuiltinLayer {
 public:
  ParameterActivation(const char* class_name, const char* op, const char* parameter, double value, const NameOptions& o)
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}), op_(op), parameter_(parameter), value_(value) {
    settle();
  }
  void settle() override {
    if (!(value_ >= 0)) fail(absl::StrCat(parameter_, " of at least 0"), absl::StrCat(value_));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override { v.field(parameter_, value_); }

 protected:
  Tensor forward(const Tensor& x) override { return apply(op_, {floating(x)}, {{parameter_, value_}}); }

 private:
  const char *op_, *parameter_;
  double value_;
};

std::shared_ptr<BuiltinLayer> leaky_relu_layer(double negative_slope, const NameOptions& o) {
  return std::make_shared<ParameterActivation>("LeakyReLU", "leaky_relu", "negative_slope", negative_slope, o);
}
std::shared_ptr<BuiltinLayer> elu_layer(double alpha, const NameOptions& o) {
  return std::make_shared<ParameterActivation>("ELU", "elu", "alpha", alpha, o);
}

class PReLULayer final : public BuiltinLayer {
 public:
  explicit PReLULayer(PReLUOptions o = {}) : BuiltinLayer({"PReLU", o.name, o.trainable, o.dtype}), o_(std::move(o)) {
    settle();
  }
  void settle() override { state().passes_masks = true; }
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
      int at = checked_axis(axis, inputs[0].rank(), name());
      if (at == 0) fail("shared_axes after the batch", "axis 0");
      shape[static_cast<std::size_t>(at - 1)] = 1;
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == kAny) known_dim(inputs[0], static_cast<int>(i + 1));
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
  explicit SoftmaxLayer(SoftmaxOptions o = {})
      : BuiltinLayer({"Softmax", o.name, o.trainable, o.dtype}), axis_(std::move(o.axis)) {
    settle();
  }
  void settle() override {
    if (axis_.list().empty()) fail("an axis", "none");
    state().passes_masks = state().takes_mask = true;
  }
  void fields(FieldVisitor& v) override { v.field("axis", axis_); }

 protected:
  Tensor forward(const Tensor& input) override {
    Tensor x = floating(input);
    ir::Ints axes;
    for (std::int64_t axis : axis_.list()) axes.push_back(checked_axis(axis, x.dim(), name()));
    if (mask().defined()) expect_broadcast(mask(), x);
    return masked_softmax(x, mask(), axes);
  }

 private:
  void expect_broadcast(const Tensor& mask, const Tensor& x) const {
    bool fits = mask.dim() <= x.dim();
    for (int i = 1; fits && i <= mask.dim(); ++i) {
      std::int64_t size = mask.size(-i), wanted = x.size(-i);
      fits = size == 1 || size == kAny || wanted == kAny || size == wanted;
    }
    if (!fits) fail("a mask that broadcasts to the input", absl::StrCat(describe(mask), " for ", describe(x)));
  }

  Axes axis_;
};

}  // namespace

ReLU::ReLU(ReLUOptions options) : Layer(std::make_shared<ReLULayer>(std::move(options))) {}
LeakyReLU::LeakyReLU(double negative_slope, NameOptions options) : Layer(leaky_relu_layer(negative_slope, options)) {}
ELU::ELU(double alpha, NameOptions options) : Layer(elu_layer(alpha, options)) {}
PReLU::PReLU(PReLUOptions options) : Layer(std::make_shared<PReLULayer>(std::move(options))) {}
Softmax::Softmax(SoftmaxOptions options) : Layer(std::make_shared<SoftmaxLayer>(std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::activation_layers() {
  using namespace layers;
  return {{"ELU", [] { return elu_layer(1, {}); }},
          {"LeakyReLU", [] { return leaky_relu_layer(0.3, {}); }},
          {"PReLU", make_default<PReLULayer>},
          {"ReLU", make_default<ReLULayer>},
          {"Softmax", make_default<SoftmaxLayer>}};
}

}  // namespace mica
