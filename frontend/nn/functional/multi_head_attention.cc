// What multi-head attention computes: torch.nn.functional.multi_head_attention_forward.
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/mica/functional/attention.h"
#include "frontend/mica/functional/convolution.h"
#include "frontend/mica/functional/regularization.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// [length, batch, features] to [batch, heads, length, features of a head].
Tensor by_heads(const Tensor& x, std::int64_t heads) {
  ir::Dims dims = dims_of(x);
  dims.back() = ir::Dim(heads);
  dims.emplace_back(x.size(-1) / heads);
  return internal::reshape_dims(x, dims).permute({1, 2, 0, 3});
}

// A mask to add to the scores: true elements of a bool mask are left out.
Tensor additive(const Tensor& mask, DType dtype) {
  if (!mask.dtype().is_bool()) return mask;
  Tensor zero = apply("constant", {}, {{"value", 0.0}, {"dtype", dtype}});
  return where(mask, -std::numeric_limits<double>::infinity(), zero);
}

Tensor causal_mask(const Tensor& scores) {
  ir::Dims dims(dims_of(scores).end() - 2, dims_of(scores).end());
  auto positions = [&](std::int64_t axis) {
    return apply("iota", {}, {{"shape", dims}, {"axis", axis}, {"dtype", kInt64}});
  };
  return positions(1) > positions(0);
}

// [queries, keys], or [batch * heads, queries, keys], to broadcast against [batch, heads, queries, keys].
Tensor against_scores(const Tensor& mask, const Tensor& scores) {
  if (mask.dim() == 2) return mask;
  if (mask.dim() != 3) fail_call("attn_mask of rank 2 or 3", internal::describe(mask));
  return internal::reshape_dims(mask, dims_of(scores));
}

struct Projected {
  Tensor query, key, value;
};

Projected projected(const Tensor& query, const Tensor& key, const Tensor& value, const MultiHeadAttentionOptions& o) {
  Tensors weights{o.q_proj_weight, o.k_proj_weight, o.v_proj_weight}, biases{Tensor(), Tensor(), Tensor()};
  if (o.in_proj_weight.defined()) weights = o.in_proj_weight.chunk(3, 0);
  if (o.in_proj_bias.defined()) biases = o.in_proj_bias.chunk(3, 0);
  return {linear(query, weights[0], biases[0]), linear(key, weights[1], biases[1]),
          linear(value, weights[2], biases[2])};
}

}  // namespace

MultiHeadAttentionResult multi_head_attention_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                      std::int64_t num_heads, MultiHeadAttentionOptions options) {
  FunctionScope scope("F::multi_head_attention_forward");
  expect_rank(query, "a query", 3);
  if (num_heads < 1 || known_size(query, -1) % num_heads != 0) {
    fail_call(absl::StrCat("features that ", num_heads, " heads divide"), internal::describe(query));
  }
  Projected all = projected(query, key, value, options);
  Tensor q = by_heads(all.query, num_heads), k = by_heads(all.key, num_heads), v = by_heads(all.value, num_heads);
  double scale = 1 / std::sqrt(static_cast<double>(known_size(q, -1)));
  Tensor scores = apply("matmul", {q * scale, k}, {{"transpose_b", true}});
  if (options.is_causal && !options.attn_mask.defined()) scores = scores + additive(causal_mask(scores), q.dtype());
  if (options.attn_mask.defined()) scores = scores + additive(against_scores(options.attn_mask, scores), q.dtype());
  if (options.key_padding_mask.defined()) {
    scores = scores + additive(options.key_padding_mask.unsqueeze(1).unsqueeze(1), q.dtype());
  }
  Tensor weights = dropout(scores.softmax(-1), options.dropout_p, {.training = options.training});
  Tensor heads = weights.matmul(v).permute({2, 0, 1, 3}).flatten(2);  // [length, batch, features]
  Tensor output = linear(heads, options.out_proj_weight, options.out_proj_bias);
  if (!options.need_weights) return {output, {}};
  return {output, options.average_attn_weights ? weights.mean(1) : weights};
}

}  // namespace mica::F
