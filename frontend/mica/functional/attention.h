// Attention of torch.nn.functional.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct AttentionOptions {
  Tensor attn_mask = {};  // bool: true takes part; floating: added to the scores
  double dropout_p = 0;
  bool is_causal = false;  // the triangle is aligned at the upper left
  std::optional<double> scale = {};
  bool enable_gqa = false;  // fewer heads of keys and values than of queries
};
// query [..., L, E], key [..., S, E], value [..., S, Ev].
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    AttentionOptions options = {});

// Weights of projections: one for all three, or one each.
struct MultiHeadAttentionOptions {
  Tensor in_proj_weight = {}, in_proj_bias = {};
  double dropout_p = 0;
  Tensor out_proj_weight = {}, out_proj_bias = {};
  bool training = true;
  Tensor key_padding_mask = {};  // [batch, keys]; true: left out
  bool need_weights = true;
  Tensor attn_mask = {};  // [queries, keys] or [batch * heads, queries, keys]; true: left out; floating: added
  Tensor q_proj_weight = {}, k_proj_weight = {}, v_proj_weight = {};
  bool average_attn_weights = true, is_causal = false;
};
struct MultiHeadAttentionResult {
  Tensor output, weights;  // weights are undefined without need_weights
};
// query, key and value [length, batch, features].
MultiHeadAttentionResult multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                      std::int64_t num_heads, MultiHeadAttentionOptions options);

}  // namespace mica::F
