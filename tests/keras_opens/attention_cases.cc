// Attention, with masks, scores and every option that changes numbers.
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {
namespace {

// Query [3,4] and value [5,4]; `call` says the rest.
template <class L>
Case attention(const char* name, L layer, AttentionCall call = {}) {
  return {name, {{3, 4}, {5, 4}}, [=](const Tensors& xs) { return Tensors{layer(xs[0], xs[1], call)}; }};
}

template <class L>
Case with_scores(const char* name, L layer, bool causal = false) {
  return {name, {{3, 4}, {5, 4}}, [=](const Tensors& xs) {
            auto [output, scores] = layer.with_scores(xs[0], xs[1], {.use_causal_mask = causal});
            return Tensors{output, scores};
          }};
}

// Ids whose zeros are masked, on both sides.
template <class L>
Case masked(const char* name, L layer) {
  return {name,
          {{4}, {5}},
          [=](const Tensors& xs) {
            Embedding words(6, 4, {.mask_zero = true});
            return Tensors{layer(words(xs[0]), words(xs[1]))};
          },
          3};
}

}  // namespace

std::vector<Case> attention_cases() {
  return {
      attention("Attention", Attention({.use_scale = true, .score_mode = "concat", .dropout = 0.25, .seed = 3}),
                {.use_causal_mask = true}),
      with_scores("AttentionScores", Attention()),
      masked("MaskedAttention", Attention({.use_scale = true})),
      {"AttentionOfThree",
       {{3, 4}, {5, 2}, {5, 4}},
       [](const Tensors& xs) { return Tensors{Attention()({xs[0], xs[1], xs[2]})}; }},
      attention("AdditiveAttention", AdditiveAttention({.dropout = 0.5})),
      with_scores("AdditiveAttentionScores", AdditiveAttention({.use_scale = false}), true),
      masked("MaskedAdditiveAttention", AdditiveAttention()),
      attention("MultiHeadAttention", MultiHeadAttention(2, 3,
                                                         {.value_dim = 5,
                                                          .dropout = 0.25,
                                                          .use_bias = false,
                                                          .output_shape = {6},
                                                          .kernel_regularizer = "l2",
                                                          .seed = 5})),
      with_scores("MultiHeadAttentionScores", MultiHeadAttention(2, 3, {.use_gate = true}), true),
      masked("MaskedMultiHeadAttention", MultiHeadAttention(2, 3)),
      {"MultiHeadAttentionOfThree",
       {{3, 4}, {5, 2}, {5, 4}, {3, 5}},
       [](const Tensors& xs) {
         return Tensors{MultiHeadAttention(2, 3)(xs[0], xs[1], {.key = xs[2], .attention_mask = xs[3] > 0})};
       }},
      {"MultiHeadAttentionOverAxes",
       {{2, 3, 4}},
       [](const Tensors& xs) { return Tensors{MultiHeadAttention(2, 3, {.attention_axes = {1, 2}})(xs[0], xs[0])}; }},
      attention("MultiHeadAttentionInAWindow", MultiHeadAttention(2, 3, {.sliding_window = 2})),
      attention("GroupQueryAttention",
                GroupQueryAttention(3, 4, 2, {.dropout = 0.25, .use_bias = false, .bias_constraint = "unit_norm"})),
      with_scores("GroupQueryAttentionScores", GroupQueryAttention(3, 4, 2)),
      attention("GroupQueryAttentionCausal", GroupQueryAttention(3, 4, 2, {.use_gate = true}),
                {.use_causal_mask = true}),
      masked("MaskedGroupQueryAttention", GroupQueryAttention(3, 4, 2)),
  };
}

}  // namespace mica::keras_opens
