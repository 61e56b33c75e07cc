// HeadAttentionLayer: what MultiHeadAttention and GroupQueryAttention have in common. Query, key and value are
// projected to heads by layers of their own, the heads attend, and a last layer projects what they found.
#pragma once
#include <string>
#include <vector>

#include "frontend/layers/builtin.h"
#include "frontend/mica/layers/attention.h"

namespace mica::internal {

struct HeadAttentionOptions {
  double dropout;
  bool use_bias, use_gate, flash_attention;
  std::optional<std::int64_t> sliding_window, seed;
  Initializer kernel_initializer, bias_initializer;
  Regularizer kernel_regularizer, bias_regularizer, activity_regularizer;
  Constraint kernel_constraint, bias_constraint;
};

// The shared options of either layer.
template <class Options>
HeadAttentionOptions head_options(const Options& o) {
  return {o.dropout,
          o.use_bias,
          o.use_gate,
          o.flash_attention,
          o.sliding_window,
          o.seed,
          o.kernel_initializer,
          o.bias_initializer,
          o.kernel_regularizer,
          o.bias_regularizer,
          o.activity_regularizer,
          o.kernel_constraint,
          o.bias_constraint};
}

class HeadAttentionLayer : public BuiltinLayer {
 public:
  void settle() override;

 protected:
  HeadAttentionLayer(Common common, HeadAttentionOptions options);

  // The fields that come last in both.
  void tail_fields(FieldVisitor& v);

  // Makes the inner layers, from the ranks of the inputs and the widths [heads, size] of what each gives.
  // `attribute_prefix` is what Keras' attributes of them begin with.
  void add_projections(std::string_view attribute_prefix, int query_rank, int key_rank, int value_rank,
                       const std::vector<std::int64_t>& query_heads, const std::vector<std::int64_t>& key_heads,
                       const std::vector<std::int64_t>& value_heads, const std::vector<std::int64_t>& output_shape);

  // Keras computes without materialised scores where it can; a row without anything to attend to is then the mean of
  // all values, else 0.
  bool is_fused(const Tensor& projected_query) const;
  // Where query step t may see value step s: [batch or 1, T, S], or the rank of a given attention_mask; undefined where
  // everything is seen.
  Tensor visible(const Tensors& xs, const Tensor& query_mask) const;
  // Scores, scaled and masked, to weights over the last `axes` axes.
  Tensor weights_of(const Tensor& scores, const Tensor& mask, int axes, bool fused, std::int64_t head_size) const;
  Tensor dropped(const Tensor& weights) const;
  // What the heads found, gated and projected, with the scores where they were asked for.
  Tensors output_of(const Tensor& query, Tensor found, const Tensor& scores) const;

  HeadAttentionOptions o_;
  Layer query_dense_, key_dense_, value_dense_;

 private:
  Layer projection(std::string_view attribute, std::string_view name, int free_axes, int bound_axes,
                   const std::vector<std::int64_t>& widths, ActivationFn activation = {});

  Layer gate_dense_, output_dense_;
};

}  // namespace mica::internal
