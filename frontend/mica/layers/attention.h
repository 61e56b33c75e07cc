// Attention.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

// How an attention layer is called, besides query and value. Masks are true where a step counts; those that are not
// given are the masks that travel with the tensors.
struct AttentionCall {
  Tensor key = {};                                         // the value, unless given
  Tensor query_mask = {}, value_mask = {}, key_mask = {};  // [batch, steps]
  Tensor attention_mask = {};                              // [batch, query steps, value steps]
  bool use_causal_mask = false;                            // a step sees no later one
  std::optional<bool> training = {};
};

// query [B,T,…], value and key [B,S,…] -> [B,T,output_shape]; the scores are [B,heads,T,S]. Keras' MultiHeadAttention
// masks by the mask that travels with the query, never by a given query_mask.
struct MultiHeadAttentionOptions {
  std::optional<std::int64_t> value_dim = {};
  double dropout = 0;
  bool use_bias = true;
  Shape output_shape = {};
  Axes attention_axes = {};
  std::optional<std::int64_t> sliding_window = {};
  bool flash_attention = false;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  bool use_gate = false;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class MultiHeadAttention : public Layer {
 public:
  MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionCall& options = {}) const;
  std::pair<Tensor, Tensor> with_scores(const Tensor& query, const Tensor& value,
                                        const AttentionCall& options = {}) const;
};

// Several query heads share a head of keys and values.
struct GroupQueryAttentionOptions {
  double dropout = 0;
  bool use_bias = true;
  std::optional<std::int64_t> sliding_window = {};
  bool flash_attention = false;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  bool use_gate = false;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class GroupQueryAttention : public Layer {
 public:
  GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads, std::int64_t num_key_value_heads,
                      GroupQueryAttentionOptions options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionCall& options = {}) const;
  std::pair<Tensor, Tensor> with_scores(const Tensor& query, const Tensor& value,
                                        const AttentionCall& options = {}) const;
};

// Without projections; query [B,T,d], value [B,S,v], key [B,S,d]. Called on {query, value} or {query, value, key}, or
// with the arguments of a call, of which attention_mask is none of theirs.
struct AttentionOptions {
  bool use_scale = false;
  std::string score_mode = "dot";
  double dropout = 0;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Attention : public Layer {
 public:
  explicit Attention(AttentionOptions options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionCall& options = {}) const;
  std::pair<Tensor, Tensor> with_scores(const Tensor& query, const Tensor& value,
                                        const AttentionCall& options = {}) const;
};
struct AdditiveAttentionOptions {
  bool use_scale = true;
  double dropout = 0;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class AdditiveAttention : public Layer {
 public:
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});
  using Layer::operator();
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionCall& options = {}) const;
  std::pair<Tensor, Tensor> with_scores(const Tensor& query, const Tensor& value,
                                        const AttentionCall& options = {}) const;
};

}  // namespace layers
}  // namespace mica
