#include "frontend/nn/attention.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/mica/functional/attention.h"
#include "frontend/mica/functional/convolution.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

Tensor xavier_values(const Shape& shape) {
  Fans fans = fans_of(shape);
  double bound = std::sqrt(6 / (fans.in + fans.out));
  return uniform_values(shape, -bound, bound);
}

// PyTorch prints the output projection under this class.
class OutputProjection final : public BuiltinModule {
 public:
  OutputProjection(std::int64_t size, bool bias)
      : BuiltinModule("NonDynamicallyQuantizableLinear"), size_(size), bias_(bias) {
    double bound = default_bound({size, size});
    register_parameter("weight", uniform_values({size, size}, -bound, bound));
    if (bias) register_parameter("bias", zeros({size}));
  }
  std::string module_text() const override {
    return absl::StrCat("in_features=", size_, ", out_features=", size_, ", bias=", python_text(bias_));
  }

 protected:
  Tensor forward(const Tensor& x) override { return F::linear(x, weight("weight"), weight("bias")); }

 private:
  std::int64_t size_;
  bool bias_;
};

class MultiheadAttentionModule final : public BuiltinModule {
 public:
  MultiheadAttentionModule(std::int64_t size, std::int64_t heads, MultiheadAttentionOptions o)
      : BuiltinModule("MultiheadAttention"), heads_(heads), options_(o) {
    expect_positive("num_heads", heads);
    if (size % heads != 0) fail(absl::StrCat("an embed_dim that ", heads, " heads divide"), absl::StrCat(size));
    std::int64_t keys = o.kdim > 0 ? o.kdim : size, values = o.vdim > 0 ? o.vdim : size;
    if (keys == size && values == size) {
      register_parameter("in_proj_weight", xavier_values({3 * size, size}));
    } else {
      register_parameter("q_proj_weight", xavier_values({size, size}));
      register_parameter("k_proj_weight", xavier_values({size, keys}));
      register_parameter("v_proj_weight", xavier_values({size, values}));
    }
    if (o.bias) register_parameter("in_proj_bias", zeros({3 * size}));
    register_module("out_proj", Layer::of(std::make_shared<OutputProjection>(size, o.bias)));
  }

 protected:
  // {query, key, value} to {output[, weights]}.
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 3, 3);
    bool batched = xs[0].dim() == 3, swaps = batched && options_.batch_first;
    auto by_length = [&](const Tensor& x) { return !batched ? x.unsqueeze(1) : swaps ? x.transpose(0, 1) : x; };
    Layer projection = module("out_proj");
    auto of_projection = [&](const char* name) -> Tensor {
      const LayerState& state = state_of(projection);
      for (std::size_t i = 0; i < state.weights.size(); ++i) {
        if (state.name_of_weight(i) == name) return state.weights[i];
      }
      return {};
    };
    Tensor padding = keyword("key_padding_mask");
    F::MultiHeadAttentionResult result = F::multi_head_attention_forward(
        by_length(xs[0]), by_length(xs[1]), by_length(xs[2]), heads_,
        {.in_proj_weight = weight("in_proj_weight"),
         .in_proj_bias = weight("in_proj_bias"),
         .dropout_p = options_.dropout,
         .out_proj_weight = of_projection("weight"),
         .out_proj_bias = of_projection("bias"),
         .training = training(),
         .key_padding_mask = padding.defined() && !batched ? padding.unsqueeze(0) : padding,
         .need_weights = option("need_weights", true),
         .attn_mask = keyword("attn_mask"),
         .q_proj_weight = weight("q_proj_weight"),
         .k_proj_weight = weight("k_proj_weight"),
         .v_proj_weight = weight("v_proj_weight"),
         .average_attn_weights = option("average_attn_weights", true),
         .is_causal = option("is_causal", false)});
    Tensor output = !batched ? result.output.squeeze(1) : swaps ? result.output.transpose(0, 1) : result.output;
    if (!result.weights.defined()) return {output};
    return {output, batched ? result.weights : result.weights.squeeze(0)};
  }

 private:
  std::int64_t heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       MultiheadAttentionOptions options)
    : Layer(std::make_shared<MultiheadAttentionModule>(embed_dim, num_heads, options)) {}

MultiheadAttentionResult MultiheadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                                        const MultiheadAttentionCall& options) const {
  return attend(*this, query, key, value, options);
}

}  // namespace mica::nn

namespace mica::internal {

nn::MultiheadAttentionResult attend(const Layer& attention, const Tensor& query, const Tensor& key, const Tensor& value,
                                    const nn::MultiheadAttentionCall& options) {
  CallArguments arguments;
  arguments.tensors = {query, key, value};
  if (options.key_padding_mask.defined()) arguments.keywords.emplace_back("key_padding_mask", options.key_padding_mask);
  if (options.attn_mask.defined()) arguments.keywords.emplace_back("attn_mask", options.attn_mask);
  arguments.options.set("need_weights", options.need_weights);
  arguments.options.set("average_attn_weights", options.average_attn_weights);
  arguments.options.set("is_causal", options.is_causal);
  Tensors results = invoke(attention.impl(), std::move(arguments));
  return {results[0], results.size() > 1 ? results[1] : Tensor()};
}

}  // namespace mica::internal
