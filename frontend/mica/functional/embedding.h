// Rows of tables, of torch.nn.functional.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx = {};  // this row gets no gradient
  std::optional<double> max_norm = {};           // longer rows are shortened to it
  double norm_type = 2;
  bool scale_grad_by_freq = false;  // a row's gradient is divided by how often it is read
};
Tensor embedding(const Tensor& ids, const Tensor& weight, EmbeddingOptions options = {});
struct EmbeddingBagOptions {
  std::string mode = "mean";       // "sum", "mean", "max"
  Tensor per_sample_weights = {};  // of mode "sum"
  std::optional<std::int64_t> padding_idx = {};
};
// ids [bags, n]; or [n] with offsets [bags], where each bag starts.
Tensor embedding_bag(const Tensor& ids, const Tensor& weight, const Tensor& offsets = {},
                     EmbeddingBagOptions options = {});
// -1: one above the largest id, which must be concrete.
Tensor one_hot(const Tensor& ids, std::int64_t num_classes = -1);

}  // namespace mica::F
