// Attention and AdditiveAttention: attention without projections.
#include "frontend/mica/layers/attention.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/layers/attention_call.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

// The sum over the last axis of what `score` makes of every pair of a query [B,T,1,d] and a key [B,1,S,d].
template <class Score>
Tensor pairwise_scores(const Tensor& query, const Tensor& key, Score score) {
  return score(query.unsqueeze(-2) + key.unsqueeze(-3)).sum(-1);
}

// What the two have but the scores: they are called on a list, {query, value} or {query, value, key}.
class ListAttentionLayer : public BuiltinLayer {
 public:
  ListAttentionLayer(Common common, bool use_scale, double dropout, std::optional<std::int64_t> seed)
      : BuiltinLayer(std::move(common)), use_scale_(use_scale), dropout_(dropout), seed_(seed) {}

  void settle() override {
    if (!(dropout_ >= 0 && dropout_ < 1)) fail("dropout from 0 to below 1", absl::StrCat(dropout_));
    state().passes_masks = state().takes_mask = true;
  }
  // The query's mask goes on.
  Tensor compute_joint_mask(const Tensors&, const Tensors& masks) const override { return masks[0]; }

 protected:
  virtual Tensor scores_of(const Tensor& query, const Tensor& key) = 0;

  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs.size());
    if (keyword("attention_mask").defined()) {
      fail("the masks of its inputs", "attention_mask", "MultiHeadAttention takes an attention_mask.");
    }
    const Tensor &query = xs[0], &value = xs[1], &key = xs.size() > 2 ? xs[2] : value;
    Tensor weights = masked(scores_of(query, key)).softmax(-1);
    Tensor kept = weights;
    if (training() && dropout_ > 0) kept = apply("dropout", {weights, random_state(seed_)}, {{"rate", dropout_}});
    Tensor output = kept.matmul(value);
    if (mask(0).defined()) output = where(mask(0).unsqueeze(-1), output, 0.0);
    return option("return_attention_scores") ? Tensors{output, weights} : Tensors{output};
  }

  void expect_inputs(std::size_t count) const {
    if (count == 2 || count == 3) return;
    fail("a list {query, value} or {query, value, key}", absl::StrCat(count, " tensors"));
  }

  bool use_scale_;
  double dropout_;
  std::optional<std::int64_t> seed_;

 private:
  // Scores of values that do not count are lowered beyond reach.
  Tensor masked(const Tensor& scores) const {
    const ir::Dims& dims = dims_of(scores);
    Tensor valid = mask(1).defined() ? mask(1).unsqueeze(-2) : Tensor();
    if (option("use_causal_mask")) valid = both(valid, causal_mask(dims[dims.size() - 2], dims.back()));
    if (!valid.defined()) return scores;
    return where(valid, scores, scores - (scores.dtype() == kFloat16 ? 65504.0 : 1e9));
  }
};

class AttentionLayer final : public ListAttentionLayer {
 public:
  explicit AttentionLayer(AttentionOptions o = {})
      : ListAttentionLayer({"Attention", o.name, o.trainable, o.dtype}, o.use_scale, o.dropout, o.seed),
        score_mode_(std::move(o.score_mode)) {
    settle();
  }
  void settle() override {
    expect_choice("score_mode", score_mode_, {"dot", "concat"});
    ListAttentionLayer::settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("use_scale", use_scale_);
    v.field("score_mode", score_mode_);
    v.field("dropout", dropout_);
    v.field("seed", seed_);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs.size());
    if (use_scale_) scale_ = scalar("scale");
    if (score_mode_ == "concat") concat_weight_ = scalar("concat_score_weight");
  }
  Tensor scores_of(const Tensor& query, const Tensor& key) override {
    if (score_mode_ == "concat") {
      return concat_weight_ * pairwise_scores(query, key, [&](const Tensor& pair) {
               return (use_scale_ ? scale_ * pair : pair).tanh();
             });
    }
    Tensor scores = apply("matmul", {query, key}, {{"transpose_b", true}});
    return use_scale_ ? scores * scale_ : scores;
  }

 private:
  Variable scalar(const char* weight) {
    return add_weight({.shape = {}, .initializer = "ones", .dtype = weight_dtype(), .name = weight});
  }

  std::string score_mode_;
  Variable scale_, concat_weight_;
};

class AdditiveAttentionLayer final : public ListAttentionLayer {
 public:
  explicit AdditiveAttentionLayer(AdditiveAttentionOptions o = {})
      : ListAttentionLayer({"AdditiveAttention", o.name, o.trainable, o.dtype}, o.use_scale, o.dropout, o.seed) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("use_scale", use_scale_);
    v.field("dropout", dropout_);
    v.field("seed", seed_);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs.size());
    if (!use_scale_) return;
    scale_ = add_weight({.shape = {known_dim(inputs[0], -1)}, .dtype = weight_dtype(), .name = "scale"});
  }
  Tensor scores_of(const Tensor& query, const Tensor& key) override {
    return pairwise_scores(query, key,
                           [&](const Tensor& pair) { return use_scale_ ? scale_ * pair.tanh() : pair.tanh(); });
  }

 private:
  Variable scale_;
};

}  // namespace

Attention::Attention(AttentionOptions options) : Layer(std::make_shared<AttentionLayer>(std::move(options))) {}
Tensor Attention::operator()(const Tensor& query, const Tensor& value, const AttentionCall& options) const {
  return call_attention(*this, query, value, options, false)[0];
}
std::pair<Tensor, Tensor> Attention::with_scores(const Tensor& query, const Tensor& value,
                                                 const AttentionCall& options) const {
  return call_with_scores(*this, query, value, options);
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options)
    : Layer(std::make_shared<AdditiveAttentionLayer>(std::move(options))) {}
Tensor AdditiveAttention::operator()(const Tensor& query, const Tensor& value, const AttentionCall& options) const {
  return call_attention(*this, query, value, options, false)[0];
}
std::pair<Tensor, Tensor> AdditiveAttention::with_scores(const Tensor& query, const Tensor& value,
                                                         const AttentionCall& options) const {
  return call_with_scores(*this, query, value, options);
}

}  // namespace layers

std::vector<internal::LayerClass> internal::attention_layers() {
  return {{"AdditiveAttention", make_default<layers::AdditiveAttentionLayer>},
          {"Attention", make_default<layers::AttentionLayer>}};
}

}  // namespace mica
