// Distances and similarities of torch.nn.functional.
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct NormalizeOptions {
  double p = 2;
  int dim = 1;
  double eps = 1e-12;
};
Tensor normalize(const Tensor& x, NormalizeOptions options = {});
struct CosineOptions {
  int dim = 1;
  double eps = 1e-8;
};
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, CosineOptions options = {});
struct DistanceOptions {
  double p = 2, eps = 1e-6;
  bool keepdim = false;
};
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, DistanceOptions options = {});
// Of every two rows of x [N, M], in the order of the upper triangle.
Tensor pdist(const Tensor& x, double p = 2);

}  // namespace mica::F
