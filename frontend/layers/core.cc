// Layers without windows or weights of their own: Activation, Lambda, Identity, Masking.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
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
    return where((x != value_).any(-1, {.keepdim = true}), x, 0);
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

}  // namespace

Activation::Activation(ActivationFn activation, NameOptions options)
    : Layer(std::make_shared<ActivationLayer>(std::move(activation), options)) {}
Identity::Identity(NameOptions options) : Layer(std::make_shared<IdentityLayer>(options)) {}
Masking::Masking(double mask_value, NameOptions options) : Layer(std::make_shared<MaskingLayer>(mask_value, options)) {}
Lambda::Lambda(std::function<Tensor(const Tensor&)> function, NameOptions options)
    : Layer(std::make_shared<LambdaLayer>(of_one(std::move(function)), options, "Lambda")) {}
Lambda::Lambda(std::function<Tensor(const Tensors&)> function, NameOptions options)
    : Layer(std::make_shared<LambdaLayer>(std::move(function), options, "Lambda")) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::core_layers() {
  return {{"Activation", make_default<ActivationLayer>},
          {"Identity", make_default<IdentityLayer>},
          {"Masking", make_default<MaskingLayer>}};
}

Layer Layer::of_function(std::function<Tensor(const Tensor&)> function) { return layers::Lambda(std::move(function)); }

}  // namespace mica
