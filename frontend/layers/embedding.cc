#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"

namespace mica {
namespace layers {
namespace {

using namespace internal;

class EmbeddingLayer final : public BuiltinLayer {
 public:
  EmbeddingLayer(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions o)
      : BuiltinLayer({"Embedding", o.name, o.trainable, o.dtype}),
        input_dim_(input_dim),
        output_dim_(output_dim),
        o_(std::move(o)) {
    settle();
  }
  EmbeddingLayer() : EmbeddingLayer(1, 1, {}) {}
  void settle() override {
    expect_positive("input_dim", input_dim_);
    expect_positive("output_dim", output_dim_);
  }
  void fields(FieldVisitor& v) override {
    v.required("input_dim", input_dim_);
    v.required("output_dim", output_dim_);
    v.field("embeddings_initializer", o_.embeddings_initializer);
    v.field("embeddings_regularizer", o_.embeddings_regularizer);
    activity_regularizer_field(v);
    v.field("embeddings_constraint", o_.embeddings_constraint);
    v.field("mask_zero", o_.mask_zero);
    v.fixed("quantization_config", {});
  }
  Tensor compute_mask(const Tensor& x, const Tensor&) const override { return o_.mask_zero ? x != 0 : Tensor(); }

 protected:
  void make_weights(const std::vector<Shape>&) override {
    embeddings_ = add_weight({.shape = {input_dim_, output_dim_},
                              .initializer = o_.weights.defined() ? Initializer(o_.weights) : o_.embeddings_initializer,
                              .dtype = weight_dtype(),
                              .regularizer = o_.embeddings_regularizer,
                              .constraint = o_.embeddings_constraint,
                              .name = "embeddings"});
  }
  Tensor forward(const Tensor& x) override {
    Tensor ids = x.dtype().is_integral() ? x : x.to(kInt32);
    return apply("gather", {embeddings_, ids}, {{"axis", std::int64_t{0}}});
  }

 private:
  std::int64_t input_dim_, output_dim_;
  EmbeddingOptions o_;
  Variable embeddings_;
};

}  // namespace

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : Layer(std::make_shared<EmbeddingLayer>(input_dim, output_dim, std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::embedding_layers() { return {{"Embedding", make_default<EmbeddingLayer>}}; }

}  // namespace mica
