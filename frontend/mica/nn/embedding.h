// Rows of tables.
#pragma once
#include "mica/functional/embedding.h"
#include "mica/layer.h"

namespace mica::nn {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx = {};
  std::optional<double> max_norm = {};
  double norm_type = 2;
  bool scale_grad_by_freq = false;
};
class Embedding : public Layer {
 public:
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, EmbeddingOptions options = {});
  static Embedding from_pretrained(const Tensor& embeddings, bool freeze = true, EmbeddingOptions options = {});

 private:
  explicit Embedding(std::shared_ptr<CustomLayer> impl);
};
class EmbeddingBag : public Layer {  // of ids [bags, n], or of {ids, offsets}
 public:
  EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim, F::EmbeddingBagOptions options = {});
};

}  // namespace mica::nn
