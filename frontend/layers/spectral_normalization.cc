// SpectralNormalization: a layer whose kernel training divides by its largest singular value.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/unit_length.h"
#include "frontend/mica/layers/normalization.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class SpectralNormalizationLayer final : public BuiltinLayer {
 public:
  SpectralNormalizationLayer(const Layer& layer, const SpectralNormalizationOptions& o)
      : BuiltinLayer({"SpectralNormalization", o.name, o.trainable, o.dtype}),
        layer_(layer),
        power_iterations_(o.power_iterations) {
    settle();
  }
  SpectralNormalizationLayer() : SpectralNormalizationLayer(Dense(1), {}) {}
  void settle() override {
    expect_positive("power_iterations", power_iterations_);
    state().sublayers.clear();
    add_layer("layer", layer_);
  }
  void fields(FieldVisitor& v) override {
    v.required("layer", layer_);
    v.field("power_iterations", power_iterations_);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    build_sublayer(layer_, inputs);
    kernel_ = kernel_of(layer_);
    state().weights.push_back(kernel_);  // Keras counts it as the wrapper's too
    vector_u_ = add_weight({.shape = {1, kernel_.size(-1)},
                            .initializer = initializers::TruncatedNormal(0, 0.02),
                            .dtype = kernel_.cell()->type.dtype,
                            .trainable = false,
                            .name = "vector_u"});
  }
  Tensor forward(const Tensor& x) override {
    if (training()) normalize_kernel();
    return cast(layer_(x), x.dtype());
  }

 private:
  Variable kernel_of(const Layer& layer) const {
    for (const Variable& weight : layer.weights()) {
      if (weight.cell()->name == "kernel" || weight.cell()->name == "embeddings") return weight;
    }
    fail("a layer with a weight named kernel or embeddings", layer.class_name());
  }

  // One step or several of the power method from the vector of the last call; a kernel of zeros stays.
  void normalize_kernel() {
    Tensor kernel = kernel_ + 0.0, kept = vector_u_ + 0.0;
    std::int64_t columns = kernel_.size(-1);
    Tensor matrix = kernel.reshape({kAny, columns}), u = kept, v;
    for (std::int64_t i = 0; i < power_iterations_; ++i) {
      v = unit_length(apply("matmul", {u, matrix}, {{"transpose_b", true}}), {1});
      u = unit_length(v.matmul(matrix), {1});
    }
    u = apply("stop_gradient", {u});
    v = apply("stop_gradient", {v});
    Tensor sigma = (v.matmul(matrix) * u).sum();
    Tensor is_zero = (kernel == 0.0).all();
    add_update(vector_u_, where(is_zero, kept, u));
    add_update(kernel_, where(is_zero, kernel, kernel / sigma));
  }

  Layer layer_;
  std::int64_t power_iterations_;
  Variable kernel_, vector_u_;
};

}  // namespace

SpectralNormalization::SpectralNormalization(const Layer& layer, SpectralNormalizationOptions options)
    : Layer(std::make_shared<SpectralNormalizationLayer>(layer, options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::spectral_normalization_layers() {
  return {{"SpectralNormalization", make_default<layers::SpectralNormalizationLayer>}};
}

}  // namespace mica
