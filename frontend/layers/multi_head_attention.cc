// MultiHeadAttention and GroupQueryAttention.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/attention_call.h"
#include "frontend/layers/head_attention.h"
#include "frontend/layers/registry.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

// Labels of einsum for attention over some axes of [batch …, attended …, heads, size].
struct AttentionEquation {
  AttentionEquation(int rank, const std::vector<std::int64_t>& attended) {
    std::string query = letters('a', rank), value = query, batch, queries, values;
    char next = static_cast<char>('a' + rank);
    for (int i = 0; i < rank - 1; ++i) {
      auto at = static_cast<std::size_t>(i);
      if (std::find(attended.begin(), attended.end(), i) == attended.end()) {
        batch += query[at];
      } else {
        value[at] = next++;
        queries += query[at];
        values += value[at];
      }
    }
    std::string weights = batch + queries + values;
    scores = absl::StrCat(query, ",", value, "->", weights);
    combine = absl::StrCat(weights, ",", value, "->", query);
  }
  static std::string letters(char first, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>(first + i);
    return text;
  }

  std::string scores, combine;
};

// Axes of 1 before the last `count` axes of a mask until it has `rank` axes.
Tensor widened(const Tensor& mask, int rank, int count) {
  if (!mask.defined() || mask.dim() >= rank) return mask;
  ir::Dims dims = dims_of(mask);
  dims.insert(dims.end() - count, static_cast<std::size_t>(rank - mask.dim()), ir::Dim(1));
  return reshape_dims(mask, std::move(dims));
}

class MultiHeadAttentionLayer final : public HeadAttentionLayer {
 public:
  MultiHeadAttentionLayer(std::int64_t num_heads, std::int64_t key_dim, const MultiHeadAttentionOptions& o)
      : HeadAttentionLayer({"MultiHeadAttention", o.name, o.trainable, o.dtype}, head_options(o)),
        num_heads_(num_heads),
        key_dim_(key_dim),
        value_dim_(o.value_dim) {
    if (o.output_shape.rank() > 0) output_shape_ = o.output_shape;
    if (!o.attention_axes.list().empty()) attention_axes_ = o.attention_axes;
    settle();
  }
  MultiHeadAttentionLayer() : MultiHeadAttentionLayer(1, 1, {}) {}
  void settle() override {
    expect_positive("num_heads", num_heads_);
    expect_positive("key_dim", key_dim_);
    if (!value_dim_) value_dim_ = key_dim_;
    expect_positive("value_dim", *value_dim_);
    HeadAttentionLayer::settle();
  }
  void fields(FieldVisitor& v) override {
    v.required("num_heads", num_heads_);
    v.required("key_dim", key_dim_);
    v.field("value_dim", value_dim_);
    v.field("dropout", o_.dropout);
    v.field("use_bias", o_.use_bias);
    v.field("use_gate", o_.use_gate);
    v.field("output_shape", output_shape_);
    Axes axes = attention_axes_.value_or(Axes());
    v.axis_list("attention_axes", axes);
    if (!axes.list().empty()) attention_axes_ = axes;
    v.field("sliding_window", o_.sliding_window);
    tail_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs);
    const Shape &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : value;
    std::vector<std::int64_t> output{known_dim(query, -1)};
    if (output_shape_) output = output_shape_->dims();
    add_projections("", query.rank(), key.rank(), value.rank(), {num_heads_, key_dim_}, {num_heads_, key_dim_},
                    {num_heads_, *value_dim_}, output);
    settle_axes(value.rank());
  }

  Tensors forward_all(const Tensors& xs) override {
    const Tensor& key_input = xs.size() > 2 ? xs[2] : xs[1];
    // Keras looks at the mask that the query carries and at no other.
    Tensor mask = visible(xs, arguments().tensors[0].mask());
    // It takes the masks off its inputs: layers that run later on the same tensors see none.
    for (const Tensor& input : arguments().tensors) input.node()->mask = nullptr;
    Tensor query = query_dense_(xs[0]), key = key_dense_(key_input), value = value_dense_(xs[1]);
    AttentionEquation equation(value.dim(), attention_axes_->list());
    Tensor scores = einsum(equation.scores, {query, key});
    int axes = static_cast<int>(attention_axes_->list().size());
    Tensor weights = weights_of(scores, widened(mask, scores.dim(), 2 * axes), axes, is_fused(query), key_dim_);
    return output_of(xs[0], einsum(equation.combine, {dropped(weights), value}), weights);
  }

 private:
  void expect_inputs(const std::vector<Shape>& inputs) const {
    if (inputs.size() != 2 && inputs.size() != 3) {
      fail("a query, a value and perhaps a key", absl::StrCat(inputs.size(), " tensors"));
    }
    for (const Shape& shape : inputs) expect_min_rank(shape, 3);
    if (inputs.size() == 2) return;
    const std::vector<std::int64_t>&value = inputs[1].dims(), &key = inputs[2].dims();
    if (value.size() == key.size() && std::equal(value.begin() + 1, value.end() - 1, key.begin() + 1)) return;
    fail("a value and a key that agree in all axes but the last",
         absl::StrCat(inputs[1].to_string(), " and ", inputs[2].to_string()));
  }
  // All axes between the batch and the features, unless said otherwise; counted from the front.
  void settle_axes(int rank) {
    std::vector<std::int64_t> axes;
    if (attention_axes_) {
      for (std::int64_t axis : attention_axes_->list()) axes.push_back(checked_axis(axis, rank, name()));
    } else {
      for (int i = 1; i < rank - 1; ++i) axes.push_back(i);
    }
    attention_axes_ = Axes(std::move(axes));
  }

  std::int64_t num_heads_, key_dim_;
  std::optional<std::int64_t> value_dim_;
  std::optional<Shape> output_shape_;
  std::optional<Axes> attention_axes_;
};

// Query heads are those of keys and values, k, times the g that share one.
class GroupQueryAttentionLayer final : public HeadAttentionLayer {
 public:
  GroupQueryAttentionLayer(std::int64_t head_dim, std::int64_t num_query_heads, std::int64_t num_key_value_heads,
                           const GroupQueryAttentionOptions& o)
      : HeadAttentionLayer({"GroupQueryAttention", o.name, o.trainable, o.dtype}, head_options(o)),
        head_dim_(head_dim),
        query_heads_(num_query_heads),
        key_value_heads_(num_key_value_heads) {
    settle();
  }
  GroupQueryAttentionLayer() : GroupQueryAttentionLayer(1, 1, 1, {}) {}
  void settle() override {
    expect_positive("head_dim", head_dim_);
    expect_positive("num_query_heads", query_heads_);
    expect_positive("num_key_value_heads", key_value_heads_);
    if (query_heads_ % key_value_heads_ != 0) {
      fail(absl::StrCat("num_query_heads that ", key_value_heads_, ", num_key_value_heads, divides"),
           absl::StrCat(query_heads_));
    }
    HeadAttentionLayer::settle();
  }
  void fields(FieldVisitor& v) override {
    v.required("head_dim", head_dim_);
    v.required("num_query_heads", query_heads_);
    v.required("num_key_value_heads", key_value_heads_);
    v.field("use_bias", o_.use_bias);
    v.field("use_gate", o_.use_gate);
    v.field("sliding_window", o_.sliding_window);
    v.field("dropout", o_.dropout);
    tail_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    if (inputs.size() != 2 && inputs.size() != 3) {
      fail("a query, a value and perhaps a key", absl::StrCat(inputs.size(), " tensors"));
    }
    for (const Shape& shape : inputs) expect_rank(shape, 3);
    add_projections("_", 3, 3, 3, {query_heads_, head_dim_}, {key_value_heads_, head_dim_},
                    {key_value_heads_, head_dim_}, {known_dim(inputs[0], -1)});
  }

  Tensors forward_all(const Tensors& xs) override {
    const Tensor& key_input = xs.size() > 2 ? xs[2] : xs[1];
    Tensor visible_pairs = visible(xs, mask(0));
    Tensor query = query_dense_(xs[0]), key = key_dense_(key_input), value = value_dense_(xs[1]);
    bool fused = is_fused(query);
    Tensor scores = einsum("btkgh,bskh->bktgs", {grouped(query, 2), key});
    Tensor weights = weights_of(scores, grouped_mask(visible_pairs), 1, fused, head_dim_);
    Tensor found = einsum("bktgs,bskh->btkgh", {dropped(weights), value});
    return output_of(xs[0], reshape_dims(found, dims_of(query)), by_head(weights));
  }

 private:
  // The axis of query heads as two: k, g.
  Tensor grouped(const Tensor& x, int axis) const {
    ir::Dims dims = dims_of(x);
    auto at = static_cast<std::ptrdiff_t>(axis);
    dims[static_cast<std::size_t>(axis)] = ir::Dim(query_heads_ / key_value_heads_);
    dims.insert(dims.begin() + at, ir::Dim(key_value_heads_));
    return reshape_dims(x, std::move(dims));
  }
  // [B,T,S], [B,1,T,S] or [B,heads,T,S] to what broadcasts to the scores [B,k,T,g,S].
  Tensor grouped_mask(const Tensor& mask) const {
    if (!mask.defined()) return {};
    if (mask.dim() == 4 && !dims_of(mask)[1].is(1)) return grouped(mask, 1).permute({0, 1, 3, 2, 4});
    const ir::Dims& dims = dims_of(mask);
    return reshape_dims(mask, {dims[0], ir::Dim(1), dims[dims.size() - 2], ir::Dim(1), dims.back()});
  }
  // [B,k,T,g,S] as [B,heads,T,S].
  Tensor by_head(const Tensor& weights) const {
    if (!option("return_attention_scores")) return {};
    const ir::Dims dims = dims_of(weights);
    return reshape_dims(weights.permute({0, 1, 3, 2, 4}), {dims[0], ir::Dim(query_heads_), dims[2], dims[4]});
  }

  std::int64_t head_dim_, query_heads_, key_value_heads_;
};

}  // namespace

MultiHeadAttention::MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options)
    : Layer(std::make_shared<MultiHeadAttentionLayer>(num_heads, key_dim, options)) {}
Tensor MultiHeadAttention::operator()(const Tensor& query, const Tensor& value, const AttentionCall& options) const {
  return call_attention(*this, query, value, options, false)[0];
}
std::pair<Tensor, Tensor> MultiHeadAttention::with_scores(const Tensor& query, const Tensor& value,
                                                          const AttentionCall& options) const {
  return call_with_scores(*this, query, value, options);
}

GroupQueryAttention::GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads,
                                         std::int64_t num_key_value_heads, GroupQueryAttentionOptions options)
    : Layer(std::make_shared<GroupQueryAttentionLayer>(head_dim, num_query_heads, num_key_value_heads, options)) {}
Tensor GroupQueryAttention::operator()(const Tensor& query, const Tensor& value, const AttentionCall& options) const {
  return call_attention(*this, query, value, options, false)[0];
}
std::pair<Tensor, Tensor> GroupQueryAttention::with_scores(const Tensor& query, const Tensor& value,
                                                           const AttentionCall& options) const {
  return call_with_scores(*this, query, value, options);
}

}  // namespace layers

std::vector<internal::LayerClass> internal::head_attention_layers() {
  return {{"GroupQueryAttention", make_default<layers::GroupQueryAttentionLayer>},
          {"MultiHeadAttention", make_default<layers::MultiHeadAttentionLayer>}};
}

}  // namespace mica
