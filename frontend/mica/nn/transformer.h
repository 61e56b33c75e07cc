// Attention and Transformers: [length, batch, features], with batch_first [batch, length, features]. A true element of
// a bool mask is left out; a floating mask is added to the scores.
#pragma once
#include "mica/layer.h"

namespace mica::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;
  bool bias = true;
  std::int64_t kdim = 0, vdim = 0;  // 0: embed_dim
  bool batch_first = false;
};
struct MultiheadAttentionCall {
  Tensor key_padding_mask = {};  // [batch, keys]
  bool need_weights = true;
  Tensor attn_mask = {};  // [queries, keys], or [batch * heads, queries, keys]
  bool average_attn_weights = true, is_causal = false;
};
struct MultiheadAttentionResult {
  Tensor output, weights;  // weights are undefined without need_weights
};
class MultiheadAttention : public Layer {
 public:
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, MultiheadAttentionOptions options = {});
  MultiheadAttentionResult operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                      const MultiheadAttentionCall& options = {}) const;
};

struct TransformerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  // or "gelu"
  double layer_norm_eps = 1e-5;
  bool batch_first = false, norm_first = false, bias = true;
};
struct EncoderCall {
  Tensor mask = {}, src_key_padding_mask = {};
  bool is_causal = false;
};
struct DecoderCall {
  Tensor tgt_mask = {}, memory_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool tgt_is_causal = false, memory_is_causal = false;
};
class TransformerEncoderLayer : public Layer {
 public:
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options = {});
  Tensor operator()(const Tensor& src, const EncoderCall& options = {}) const;
};
class TransformerDecoderLayer : public Layer {
 public:
  TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderCall& options = {}) const;
};
// num_layers layers like the given one, each with weights of its own that begin as equal ones; then `norm`.
class TransformerEncoder : public Layer {
 public:
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers, const Layer& norm = {});
  Tensor operator()(const Tensor& src, const EncoderCall& options = {}) const;
};
class TransformerDecoder : public Layer {
 public:
  TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers, const Layer& norm = {});
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderCall& options = {}) const;
};

struct TransformerModelOptions {
  std::int64_t num_encoder_layers = 6, num_decoder_layers = 6, dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  // or "gelu"
  Layer custom_encoder = {}, custom_decoder = {};
  double layer_norm_eps = 1e-5;
  bool batch_first = false, norm_first = false, bias = true;
};
struct TransformerCall {
  Tensor src_mask = {}, tgt_mask = {}, memory_mask = {};
  Tensor src_key_padding_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool src_is_causal = false, tgt_is_causal = false, memory_is_causal = false;
};
// An encoder of `src`, and a decoder of `tgt` that attends to what the encoder gives; both end with a LayerNorm.
class Transformer : public Layer {
 public:
  explicit Transformer(std::int64_t d_model = 512, std::int64_t nhead = 8, TransformerModelOptions options = {});
  Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerCall& options = {}) const;
  // [size, size]: -inf where a key stands behind the query, 0 elsewhere.
  static Tensor generate_square_subsequent_mask(std::int64_t size, TensorOptions options = {});
};

}  // namespace mica::nn
