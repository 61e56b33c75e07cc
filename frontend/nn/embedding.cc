#include "frontend/mica/nn/embedding.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

// A table of normal numbers, one row of which may be zero.
Tensor table(std::int64_t rows, std::int64_t width, const std::optional<std::int64_t>& padding_idx) {
  Tensor values = normal_values({rows, width}, 0, 1);
  if (!padding_idx) return values;
  rt::Array array = values.node()->array;
  std::int64_t row = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
  for (std::int64_t i = 0; i < width; ++i) array.set(row * width + i, 0);
  return values;
}

class TableModule : public BuiltinModule {
 protected:
  TableModule(const char* class_name, std::int64_t rows, std::int64_t width,
              const std::optional<std::int64_t>& padding_idx)
      : BuiltinModule(class_name), rows_(rows), width_(width) {
    expect_positive("num_embeddings", rows);
    expect_positive("embedding_dim", width);
    if (padding_idx && (*padding_idx < -rows || *padding_idx >= rows)) {
      fail(absl::StrCat("padding_idx from ", -rows, " to ", rows - 1), absl::StrCat(*padding_idx));
    }
  }
  std::string sizes_text() const { return absl::StrCat(rows_, ", ", width_); }

  std::int64_t rows_, width_;
};

class EmbeddingModule final : public TableModule {
 public:
  EmbeddingModule(std::int64_t rows, std::int64_t width, EmbeddingOptions o, Tensor values = {})
      : TableModule("Embedding", rows, width, o.padding_idx), options_(o) {
    if (options_.padding_idx && *options_.padding_idx < 0) *options_.padding_idx += rows;
    register_parameter("weight", values.defined() ? values : table(rows, width, o.padding_idx));
  }
  std::string module_text() const override {
    std::string text = sizes_text();
    if (options_.padding_idx) absl::StrAppend(&text, ", padding_idx=", *options_.padding_idx);
    if (options_.max_norm) absl::StrAppend(&text, ", max_norm=", python_text(*options_.max_norm));
    if (options_.norm_type != 2) absl::StrAppend(&text, ", norm_type=", python_text(options_.norm_type));
    if (options_.scale_grad_by_freq) absl::StrAppend(&text, ", scale_grad_by_freq=True");
    return text;
  }

 protected:
  Tensor forward(const Tensor& ids) override {
    return F::embedding(ids, weight("weight"),
                        {options_.padding_idx, options_.max_norm, options_.norm_type, options_.scale_grad_by_freq});
  }

 private:
  EmbeddingOptions options_;
};

class EmbeddingBagModule final : public TableModule {
 public:
  EmbeddingBagModule(std::int64_t rows, std::int64_t width, F::EmbeddingBagOptions o)
      : TableModule("EmbeddingBag", rows, width, o.padding_idx), options_(std::move(o)) {
    expect_choice("mode", options_.mode, {"sum", "mean", "max"});
    register_parameter("weight", table(rows, width, options_.padding_idx));
  }
  std::string module_text() const override {
    std::string padding = options_.padding_idx ? absl::StrCat(", padding_idx=", *options_.padding_idx) : "";
    return absl::StrCat(sizes_text(), padding, ", mode='", options_.mode, "'");
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 1, 2);
    return {F::embedding_bag(xs[0], weight("weight"), xs.size() == 2 ? xs[1] : Tensor(), options_)};
  }

 private:
  F::EmbeddingBagOptions options_;
};

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, EmbeddingOptions options)
    : Layer(std::make_shared<EmbeddingModule>(num_embeddings, embedding_dim, options)) {}
Embedding::Embedding(std::shared_ptr<CustomLayer> impl) : Layer(std::move(impl)) {}
Embedding Embedding::from_pretrained(const Tensor& embeddings, bool freeze, EmbeddingOptions options) {
  if (embeddings.dim() != 2) {
    throw Error({.where = "nn::Embedding::from_pretrained",
                 .expected = "embeddings of rank 2",
                 .received = describe(embeddings),
                 .hint = {}});
  }
  Embedding made(
      std::make_shared<EmbeddingModule>(embeddings.size(0), embeddings.size(1), std::move(options), embeddings));
  made.weight("weight").set_trainable(!freeze);
  return made;
}
EmbeddingBag::EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim, F::EmbeddingBagOptions options)
    : Layer(std::make_shared<EmbeddingBagModule>(num_embeddings, embedding_dim, std::move(options))) {}

}  // namespace mica::nn
