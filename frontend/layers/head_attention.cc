#include "frontend/layers/head_attention.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/layers/attention_call.h"
#include "frontend/layers/softmax.h"

namespace mica::internal {

HeadAttentionLayer::HeadAttentionLayer(Common common, HeadAttentionOptions options)
    : BuiltinLayer(std::move(common)), o_(std::move(options)) {}

void HeadAttentionLayer::settle() {
  if (!(o_.dropout >= 0 && o_.dropout < 1)) fail("dropout from 0 to below 1", absl::StrCat(o_.dropout));
  if (o_.sliding_window) expect_positive("sliding_window", *o_.sliding_window);
  if (o_.flash_attention && o_.dropout > 0) {
    fail("dropout of 0 with flash_attention", absl::StrCat(o_.dropout), "Flash attention has no dropout.");
  }
  state().arguments = {"query", "value", "key"};
  state().passes_masks = state().takes_mask = true;
  state().activity_regularizer = {};  // it is that of the projections
}

void HeadAttentionLayer::tail_fields(FieldVisitor& v) {
  v.field("kernel_initializer", o_.kernel_initializer);
  v.field("bias_initializer", o_.bias_initializer);
  v.field("kernel_regularizer", o_.kernel_regularizer);
  v.field("bias_regularizer", o_.bias_regularizer);
  v.field("activity_regularizer", o_.activity_regularizer);
  v.field("kernel_constraint", o_.kernel_constraint);
  v.field("bias_constraint", o_.bias_constraint);
  v.field("seed", o_.seed);
}

// "abc,cde->abde": two free axes, one bound, two of the widths.
Layer HeadAttentionLayer::projection(std::string_view attribute, std::string_view name, int free_axes, int bound_axes,
                                     const std::vector<std::int64_t>& widths, ActivationFn activation) {
  char next = 'a';
  auto labels = [&next](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += next++;
    return text;
  };
  std::string free = labels(static_cast<std::size_t>(free_axes)), bound = labels(static_cast<std::size_t>(bound_axes));
  std::string made = labels(widths.size());
  std::vector<std::int64_t> output_shape(static_cast<std::size_t>(free_axes - 1), kAny);
  output_shape.insert(output_shape.end(), widths.begin(), widths.end());
  return add_layer(attribute,
                   EinsumDense(absl::StrCat(free, bound, ",", bound, made, "->", free, made), Shape(output_shape),
                               {.activation = std::move(activation),
                                .bias_axes = o_.use_bias ? made : "",
                                .kernel_initializer = o_.kernel_initializer,
                                .bias_initializer = o_.bias_initializer,
                                .kernel_regularizer = o_.kernel_regularizer,
                                .bias_regularizer = o_.bias_regularizer,
                                .activity_regularizer = o_.activity_regularizer,
                                .kernel_constraint = o_.kernel_constraint,
                                .bias_constraint = o_.bias_constraint,
                                .name = std::string(name),
                                .trainable = state().trainable,
                                .dtype = dtype_policy()}));
}

void HeadAttentionLayer::add_projections(std::string_view attribute_prefix, int query_rank, int key_rank,
                                         int value_rank, const std::vector<std::int64_t>& query_heads,
                                         const std::vector<std::int64_t>& key_heads,
                                         const std::vector<std::int64_t>& value_heads,
                                         const std::vector<std::int64_t>& output_shape) {
  state().sublayers.clear();  // of a build that failed
  auto attribute = [&](const char* name) { return absl::StrCat(std::string(attribute_prefix), name); };
  query_dense_ = projection(attribute("query_dense"), "query", query_rank - 1, 1, query_heads);
  key_dense_ = projection(attribute("key_dense"), "key", key_rank - 1, 1, key_heads);
  if (o_.use_gate) {
    std::vector<std::int64_t> gate_heads{query_heads[0], value_heads[1]};
    gate_dense_ = projection("_gate_dense", "gate", query_rank - 1, 1, gate_heads, "sigmoid");
  }
  value_dense_ = projection(attribute("value_dense"), "value", value_rank - 1, 1, value_heads);
  output_dense_ = projection(attribute("output_dense"), "attention_output", query_rank - 1, 2, output_shape);
}

bool HeadAttentionLayer::is_fused(const Tensor& projected_query) const {
  bool fused = o_.dropout == 0 && !option("return_attention_scores") && projected_query.dim() == 4;
  if (o_.flash_attention && option("return_attention_scores")) {
    fail("flash_attention = false", "true", "Flash attention has no scores to return.");
  }
  return fused;
}

Tensor HeadAttentionLayer::visible(const Tensors& xs, const Tensor& query_mask) const {
  const Tensor &query = xs[0], &value = xs[1];
  const ir::Dim &queries = dims_of(query)[1], &values = dims_of(value)[1];
  Tensor valid;
  if (query_mask.defined()) valid = query_mask.to(kBool).unsqueeze(-1);
  for (std::size_t i : {1u, 2u}) {
    if (mask(i).defined()) valid = both(valid, mask(i).to(kBool).unsqueeze(-2));
  }
  if (option("use_causal_mask")) valid = both(valid, causal_mask(queries, values));
  if (o_.sliding_window) valid = both(valid, window_mask(queries, values, *o_.sliding_window));
  Tensor given = keyword("attention_mask");
  return given.defined() ? both(given.to(kBool), valid) : valid;
}

Tensor HeadAttentionLayer::weights_of(const Tensor& scores, const Tensor& mask, int axes, bool fused,
                                      std::int64_t head_size) const {
  double scale = 1 / std::sqrt(static_cast<double>(head_size));
  ir::Ints last;
  for (int i = -axes; i < 0; ++i) last.push_back(scores.dim() + i);
  if (!fused) return masked_softmax(scores * scale, mask, last);
  // Half precision accumulates its scores in float32.
  Tensor exact = scores.dtype().bytes() < 4 ? scores.to(kFloat32) * scale : scores * scale;
  if (mask.defined()) exact = where(mask, exact, -0.7 * std::numeric_limits<float>::max());
  return cast(masked_softmax(exact, {}, last), scores.dtype());
}

Tensor HeadAttentionLayer::dropped(const Tensor& weights) const {
  if (!training() || o_.dropout == 0) return weights;
  return apply("dropout", {weights, random_state(o_.seed)}, {{"rate", o_.dropout}});
}

Tensors HeadAttentionLayer::output_of(const Tensor& query, Tensor found, const Tensor& scores) const {
  if (o_.use_gate) found = found * gate_dense_(query);
  Tensor output = output_dense_(found);
  return option("return_attention_scores") ? Tensors{output, scores} : Tensors{output};
}

}  // namespace mica::internal
