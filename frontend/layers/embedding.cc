#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class EmbeddingLayer : public BuiltinLayer {
 public:
  EmbeddingLayer(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions o,
                 const char* class_name = "Embedding")
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}),
        input_dim_(input_dim),
        output_dim_(output_dim),
        o_(std::move(o)) {
    settle();
  }
  EmbeddingLayer() : EmbeddingLayer(1, 1, {}) {}
  void settle() override {
    expect_positive("input_dim", input_dim_);
    expect_positive("output_dim", output_dim_);
    set_autocast(false);  // ids
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
                              .name = "embeddings"},
                             WeightRead::kAsStored);
  }
  Tensor forward(const Tensor& x) override {
    Tensor ids = x.dtype().is_integral() ? x : x.to(kInt32);
    Tensor rows = apply("gather", {embeddings_, ids}, {{"axis", std::int64_t{0}}, {"called", std::string("ids")}});
    return cast(rows, compute_dtype());
  }

  std::int64_t input_dim_, output_dim_;
  EmbeddingOptions o_;
  Variable embeddings_;
};

// Called with the option `reverse` it projects vectors to logits.
class ReversibleEmbeddingLayer final : public EmbeddingLayer {
 public:
  ReversibleEmbeddingLayer(std::int64_t input_dim, std::int64_t output_dim, const ReversibleEmbeddingOptions& o)
      : EmbeddingLayer(input_dim, output_dim,
                       {.embeddings_initializer = o.embeddings_initializer,
                        .embeddings_regularizer = o.embeddings_regularizer,
                        .embeddings_constraint = o.embeddings_constraint,
                        .mask_zero = o.mask_zero,
                        .weights = o.weights,
                        .name = o.name,
                        .trainable = o.trainable,
                        .dtype = o.dtype},
                       "ReversibleEmbedding"),
        tie_weights_(o.tie_weights),
        reverse_dtype_(o.reverse_dtype),
        logit_soft_cap_(o.logit_soft_cap) {}
  ReversibleEmbeddingLayer() : ReversibleEmbeddingLayer(1, 1, {}) {}
  void fields(FieldVisitor& v) override {
    EmbeddingLayer::fields(v);
    v.field("tie_weights", tie_weights_);
    v.field("reverse_dtype", reverse_dtype_);
    v.field("logit_soft_cap", logit_soft_cap_);
  }
  Tensor compute_mask(const Tensor& x, const Tensor& mask) const override {
    return option("reverse") ? Tensor() : EmbeddingLayer::compute_mask(x, mask);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    EmbeddingLayer::make_weights(inputs);
    if (tie_weights_) return;
    reverse_embeddings_ = add_weight({.shape = {output_dim_, input_dim_},
                                      .initializer = o_.embeddings_initializer,
                                      .dtype = weight_dtype(),
                                      .name = "reverse_embeddings"},
                                     WeightRead::kAsStored);
  }
  Tensor forward(const Tensor& x) override {
    if (!option("reverse")) return EmbeddingLayer::forward(x);
    if (x.size(-1) != output_dim_) {
      fail(absl::StrCat("the last dimension of the input to be ", output_dim_), describe(x));
    }
    DType dtype = reverse_dtype_.value_or(compute_dtype());
    Tensor kernel = cast(tie_weights_ ? embeddings_ : reverse_embeddings_, dtype);
    Tensor logits = apply("matmul", {cast(x, dtype), kernel}, {{"transpose_b", tie_weights_}});
    return logit_soft_cap_ ? (logits / *logit_soft_cap_).tanh() * *logit_soft_cap_ : logits;
  }

 private:
  bool tie_weights_;
  std::optional<DType> reverse_dtype_;
  std::optional<double> logit_soft_cap_;
  Variable reverse_embeddings_;
};

}  // namespace

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : Layer(std::make_shared<EmbeddingLayer>(input_dim, output_dim, std::move(options))) {}

ReversibleEmbedding::ReversibleEmbedding(std::int64_t input_dim, std::int64_t output_dim,
                                         ReversibleEmbeddingOptions options)
    : Layer(std::make_shared<ReversibleEmbeddingLayer>(input_dim, output_dim, options)) {}
Tensor ReversibleEmbedding::reverse(const Tensor& x) const {
  CallArguments arguments;
  arguments.tensors = {x};
  arguments.options.set("reverse", true);
  return invoke(impl(), std::move(arguments))[0];
}

}  // namespace layers

std::vector<internal::LayerClass> internal::embedding_layers() {
  return {{"Embedding", make_default<EmbeddingLayer>}, {"ReversibleEmbedding", make_default<ReversibleEmbeddingLayer>}};
}

}  // namespace mica
