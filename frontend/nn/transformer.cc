#include "frontend/mica/nn/transformer.h"

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "frontend/graph/invoke.h"
#include "frontend/mica/functional/activation.h"
#include "frontend/mica/functions.h"
#include "frontend/mica/nn/container.h"
#include "frontend/mica/nn/init.h"
#include "frontend/mica/nn/linear.h"
#include "frontend/mica/nn/normalization.h"
#include "frontend/mica/nn/regularization.h"
#include "frontend/nn/attention.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

// What encoder and decoder layers share: attention and a feed-forward part, each added to its input and normalised.
class BlockModule : public BuiltinModule {
 public:
  BlockModule(const char* class_name, std::int64_t size, std::int64_t heads, TransformerOptions o)
      : BuiltinModule(class_name), size_(size), heads_(heads), options_(std::move(o)) {
    expect_choice("activation", options_.activation, {"relu", "gelu"});
  }
  // A layer like this one, with the same values in weights of its own.
  virtual std::shared_ptr<BuiltinModule> clone() const = 0;

 protected:
  void add_attention(const char* name) {
    register_module(
        name,
        MultiheadAttention(size_, heads_,
                           {.dropout = options_.dropout, .bias = options_.bias, .batch_first = options_.batch_first}));
  }
  void add_feed_forward() {
    register_module("linear1", Linear(size_, options_.dim_feedforward, {.bias = options_.bias}));
    register_module("dropout", Dropout(options_.dropout));
    register_module("linear2", Linear(options_.dim_feedforward, size_, {.bias = options_.bias}));
  }
  void add_norms(int count) {
    for (int i = 1; i <= count; ++i) {
      register_module(absl::StrCat("norm", i),
                      LayerNorm({size_}, {.eps = options_.layer_norm_eps, .bias = options_.bias}));
    }
    for (int i = 1; i <= count; ++i) register_module(absl::StrCat("dropout", i), Dropout(options_.dropout));
  }

  Tensor attended(const char* name, const Tensor& query, const Tensor& memory, const Tensor& mask,
                  const Tensor& padding, bool is_causal) const {
    return attend(module(name), query, memory, memory,
                  {.key_padding_mask = padding, .need_weights = false, .attn_mask = mask, .is_causal = is_causal})
        .output;
  }
  Tensor fed_forward(const Tensor& x) const {
    Tensor inner = module("linear1")(x);
    inner = options_.activation == "relu" ? F::relu(inner) : F::gelu(inner);
    return module("linear2")(module("dropout")(inner));
  }
  // x and what `part` makes of it; part number `i` of the layer.
  template <class Part>
  Tensor added(const Tensor& x, int i, Part part) const {
    Layer norm = module(absl::StrCat("norm", i)), dropout = module(absl::StrCat("dropout", i));
    if (options_.norm_first) return x + dropout(part(norm(x)));
    return norm(x + dropout(part(x)));
  }

  std::int64_t size_, heads_;
  TransformerOptions options_;
};

void copy_weights(const CustomLayer& from, const Layer& to) {
  to.load_state_dict(Layer::of(const_cast<CustomLayer&>(from).shared_from_this()).state_dict());
}

class EncoderLayerModule final : public BlockModule {
 public:
  EncoderLayerModule(std::int64_t size, std::int64_t heads, TransformerOptions o)
      : BlockModule("TransformerEncoderLayer", size, heads, std::move(o)) {
    add_attention("self_attn");
    add_feed_forward();
    add_norms(2);
  }
  std::shared_ptr<BuiltinModule> clone() const override {
    auto copy = std::make_shared<EncoderLayerModule>(size_, heads_, options_);
    copy_weights(*this, Layer::of(copy));
    return copy;
  }

 protected:
  Tensor forward(const Tensor& src) override {
    Tensor x = added(src, 1, [&](const Tensor& y) {
      return attended("self_attn", y, y, keyword("mask"), keyword("src_key_padding_mask"), option("is_causal", false));
    });
    return added(x, 2, [&](const Tensor& y) { return fed_forward(y); });
  }
};

class DecoderLayerModule final : public BlockModule {
 public:
  DecoderLayerModule(std::int64_t size, std::int64_t heads, TransformerOptions o)
      : BlockModule("TransformerDecoderLayer", size, heads, std::move(o)) {
    add_attention("self_attn");
    add_attention("multihead_attn");
    add_feed_forward();
    add_norms(3);
  }
  std::shared_ptr<BuiltinModule> clone() const override {
    auto copy = std::make_shared<DecoderLayerModule>(size_, heads_, options_);
    copy_weights(*this, Layer::of(copy));
    return copy;
  }

 protected:
  // {tgt, memory}
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    Tensor x = added(xs[0], 1, [&](const Tensor& y) {
      return attended("self_attn", y, y, keyword("tgt_mask"), keyword("tgt_key_padding_mask"),
                      option("tgt_is_causal", false));
    });
    x = added(x, 2, [&](const Tensor& y) {
      return attended("multihead_attn", y, xs[1], keyword("memory_mask"), keyword("memory_key_padding_mask"),
                      option("memory_is_causal", false));
    });
    return {added(x, 3, [&](const Tensor& y) { return fed_forward(y); })};
  }
};

// A stack of equal layers, then a normalisation. The arguments of the call go to every layer.
class StackModule final : public BuiltinModule {
 public:
  StackModule(const char* class_name, const Layer& layer, std::int64_t count, const Layer& norm)
      : BuiltinModule(class_name) {
    expect_positive("num_layers", count);
    std::vector<Layer> copies;
    for (std::int64_t i = 0; i < count; ++i) copies.push_back(Layer::of(layer.get_if<BlockModule>()->clone()));
    register_module("layers", ModuleList(copies));
    if (norm) register_module("norm", norm);
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    Tensors values = xs;
    for (const Layer& layer : module("layers").layers()) {
      CallArguments arguments = LayerScope::current()->arguments();
      arguments.tensors = values;
      arguments.masks.clear();
      values[0] = invoke(layer.impl(), std::move(arguments))[0];
    }
    Layer norm = module("norm");
    return {norm ? norm(values[0]) : values[0]};
  }
};

Tensor called(const Layer& module, Tensors tensors, std::initializer_list<std::pair<const char*, Tensor>> masks,
              std::initializer_list<std::pair<const char*, bool>> switches) {
  CallArguments arguments;
  arguments.tensors = std::move(tensors);
  for (const auto& [name, mask] : masks) {
    if (mask.defined()) arguments.keywords.emplace_back(name, mask);
  }
  for (const auto& [name, on] : switches) arguments.options.set(name, on);
  return invoke(module.impl(), std::move(arguments))[0];
}

Tensor encoded(const Layer& module, const Tensor& src, const EncoderCall& o) {
  return called(module, {src}, {{"mask", o.mask}, {"src_key_padding_mask", o.src_key_padding_mask}},
                {{"is_causal", o.is_causal}});
}
Tensor decoded(const Layer& module, const Tensor& tgt, const Tensor& memory, const DecoderCall& o) {
  return called(module, {tgt, memory},
                {{"tgt_mask", o.tgt_mask},
                 {"memory_mask", o.memory_mask},
                 {"tgt_key_padding_mask", o.tgt_key_padding_mask},
                 {"memory_key_padding_mask", o.memory_key_padding_mask}},
                {{"tgt_is_causal", o.tgt_is_causal}, {"memory_is_causal", o.memory_is_causal}});
}

// A stack of `Layers` and a normalisation, its matrices drawn as nn::Transformer draws them.
template <class Stack, class StackedLayer>
Layer default_stack(std::int64_t size, std::int64_t heads, std::int64_t count, const TransformerModelOptions& o) {
  StackedLayer layer(size, heads,
                     {.dim_feedforward = o.dim_feedforward,
                      .dropout = o.dropout,
                      .activation = o.activation,
                      .layer_norm_eps = o.layer_norm_eps,
                      .batch_first = o.batch_first,
                      .norm_first = o.norm_first,
                      .bias = o.bias});
  return Stack(layer, count, LayerNorm({size}, {.eps = o.layer_norm_eps, .bias = o.bias}));
}

class TransformerModule final : public BuiltinModule {
 public:
  TransformerModule(std::int64_t size, std::int64_t heads, const TransformerModelOptions& o)
      : BuiltinModule("Transformer"), size_(size), batch_axis_(o.batch_first ? 0 : 1) {
    register_module("encoder", o.custom_encoder ? o.custom_encoder
                                                : default_stack<TransformerEncoder, TransformerEncoderLayer>(
                                                      size, heads, o.num_encoder_layers, o));
    register_module("decoder", o.custom_decoder ? o.custom_decoder
                                                : default_stack<TransformerDecoder, TransformerDecoderLayer>(
                                                      size, heads, o.num_decoder_layers, o));
    for (const char* part : {"encoder", "decoder"}) {
      for (const Variable& parameter : module(part).parameters()) {
        if (parameter.dim() > 1) init::xavier_uniform_(parameter);
      }
    }
  }

 protected:
  // {src, tgt}
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    const Tensor &src = xs[0], &tgt = xs[1];
    if (src.dim() == 3 && tgt.dim() == 3 && src.size(batch_axis_) != tgt.size(batch_axis_)) {
      fail("one size of the batch for src and tgt", absl::StrCat(describe(src), " and ", describe(tgt)));
    }
    if (src.size(-1) != size_ || tgt.size(-1) != size_) {
      fail(absl::StrCat(size_, " features, the d_model"), absl::StrCat(describe(src), " and ", describe(tgt)));
    }
    Tensor memory = encoded(module("encoder"), src,
                            {.mask = keyword("src_mask"),
                             .src_key_padding_mask = keyword("src_key_padding_mask"),
                             .is_causal = option("src_is_causal", false)});
    return {decoded(module("decoder"), tgt, memory,
                    {.tgt_mask = keyword("tgt_mask"),
                     .memory_mask = keyword("memory_mask"),
                     .tgt_key_padding_mask = keyword("tgt_key_padding_mask"),
                     .memory_key_padding_mask = keyword("memory_key_padding_mask"),
                     .tgt_is_causal = option("tgt_is_causal", false),
                     .memory_is_causal = option("memory_is_causal", false)})};
  }

 private:
  std::int64_t size_;
  int batch_axis_;
};

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options)
    : Layer(std::make_shared<EncoderLayerModule>(d_model, nhead, std::move(options))) {}
Tensor TransformerEncoderLayer::operator()(const Tensor& src, const EncoderCall& options) const {
  return encoded(*this, src, options);
}
TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options)
    : Layer(std::make_shared<DecoderLayerModule>(d_model, nhead, std::move(options))) {}
Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory, const DecoderCall& options) const {
  return decoded(*this, tgt, memory, options);
}
TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers, const Layer& norm)
    : Layer(std::make_shared<StackModule>("TransformerEncoder", layer, num_layers, norm)) {}
Tensor TransformerEncoder::operator()(const Tensor& src, const EncoderCall& options) const {
  return encoded(*this, src, options);
}
TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers, const Layer& norm)
    : Layer(std::make_shared<StackModule>("TransformerDecoder", layer, num_layers, norm)) {}
Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory, const DecoderCall& options) const {
  return decoded(*this, tgt, memory, options);
}

Transformer::Transformer(std::int64_t d_model, std::int64_t nhead, TransformerModelOptions options)
    : Layer(std::make_shared<TransformerModule>(d_model, nhead, options)) {}
Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt, const TransformerCall& o) const {
  return called(*this, {src, tgt},
                {{"src_mask", o.src_mask},
                 {"tgt_mask", o.tgt_mask},
                 {"memory_mask", o.memory_mask},
                 {"src_key_padding_mask", o.src_key_padding_mask},
                 {"tgt_key_padding_mask", o.tgt_key_padding_mask},
                 {"memory_key_padding_mask", o.memory_key_padding_mask}},
                {{"src_is_causal", o.src_is_causal},
                 {"tgt_is_causal", o.tgt_is_causal},
                 {"memory_is_causal", o.memory_is_causal}});
}
Tensor Transformer::generate_square_subsequent_mask(std::int64_t size, TensorOptions options) {
  return triu(full({size, size}, -std::numeric_limits<double>::infinity(), options), 1);
}

}  // namespace mica::nn
