#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class DenseLayer final : public BuiltinLayer {
 public:
  DenseLayer(std::int64_t units, DenseOptions options)
      : BuiltinLayer({"Dense", options.name, options.trainable, options.dtype, options.activity_regularizer}),
        units_(units),
        options_(std::move(options)) {
    settle();
  }
  DenseLayer() : DenseLayer(1, {}) {}
  void settle() override {
    expect_positive("units", units_);
    state().passes_masks = true;
  }

  void fields(FieldVisitor& v) override {
    v.required("units", units_);
    v.field("activation", options_.activation);
    v.field("use_bias", options_.use_bias);
    v.field("kernel_initializer", options_.kernel_initializer);
    v.field("bias_initializer", options_.bias_initializer);
    v.field("kernel_regularizer", options_.kernel_regularizer);
    v.field("bias_regularizer", options_.bias_regularizer);
    v.field("kernel_constraint", options_.kernel_constraint);
    v.field("bias_constraint", options_.bias_constraint);
    v.fixed("quantization_config", {});
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs[0], 2);
    kernel_ = add_weight({.shape = {known_dim(inputs[0], -1), units_},
                          .initializer = options_.kernel_initializer,
                          .dtype = weight_dtype(),
                          .regularizer = options_.kernel_regularizer,
                          .constraint = options_.kernel_constraint,
                          .name = "kernel"});
    if (!options_.use_bias) return;
    bias_ = add_weight({.shape = {units_},
                        .initializer = options_.bias_initializer,
                        .dtype = weight_dtype(),
                        .regularizer = options_.bias_regularizer,
                        .constraint = options_.bias_constraint,
                        .name = "bias"});
  }

  Tensor forward(const Tensor& x) override {
    std::int64_t in = kernel_.size(0);
    if (x.dim() < 2 || x.size(-1) != in) {
      fail(absl::StrCat("the last dimension of the input to be ", in), describe(x),
           absl::StrCat("The layer was built on ", state().build_shapes[0].to_string(), "; was it shared by mistake?"));
    }
    Tensor y = apply("matmul", {cast(x, kernel_.dtype()), kernel_});
    if (options_.use_bias) y = y + bias_;
    return options_.activation(y);
  }

 private:
  std::int64_t units_;
  DenseOptions options_;
  Variable kernel_, bias_;
};

}  // namespace

Dense::Dense(std::int64_t units, DenseOptions options)
    : Layer(std::make_shared<DenseLayer>(units, std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::dense_layers() { return {{"Dense", make_default<DenseLayer>}}; }

}  // namespace mica
