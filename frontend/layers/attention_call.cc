#include "frontend/layers/attention_call.h"

#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"

namespace mica::internal {
namespace {

// The positions along `axis` of [1, queries, values].
Tensor positions(ir::Dims shape, std::int64_t axis) {
  return apply("iota", {}, {{"shape", std::move(shape)}, {"axis", axis}, {"dtype", kInt32}});
}
Tensor query_positions(const ir::Dim& queries) { return positions({ir::Dim(1), queries, ir::Dim(1)}, 1); }
Tensor value_positions(const ir::Dim& values) { return positions({ir::Dim(1), ir::Dim(1), values}, 2); }

}  // namespace

Tensors call_attention(const Layer& layer, const Tensor& query, const Tensor& value, const AttentionCall& call,
                       bool return_scores) {
  CallArguments arguments{.training = call.training};
  arguments.tensors = {query, value};
  arguments.masks = {call.query_mask, call.value_mask};
  if (call.key.defined() || call.key_mask.defined()) {
    arguments.tensors.push_back(call.key.defined() ? call.key : value);
    arguments.masks.push_back(call.key_mask);
  }
  if (call.attention_mask.defined()) arguments.keywords.emplace_back("attention_mask", call.attention_mask);
  if (return_scores) arguments.options.set("return_attention_scores", true);
  if (call.use_causal_mask) arguments.options.set("use_causal_mask", true);
  return invoke(layer.impl(), std::move(arguments));
}

std::pair<Tensor, Tensor> call_with_scores(const Layer& layer, const Tensor& query, const Tensor& value,
                                           const AttentionCall& call) {
  auto [output, scores] = call_attention(layer, query, value, call, true).unpack<2>();
  return {output, scores};
}

Tensor causal_mask(const ir::Dim& queries, const ir::Dim& values) {
  return query_positions(queries) >= value_positions(values);
}

Tensor window_mask(const ir::Dim& queries, const ir::Dim& values, std::int64_t width) {
  return (query_positions(queries) - value_positions(values)).abs() < width;
}

Tensor both(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a & b : a;
}

}  // namespace mica::internal
