#include "frontend/mica/functional/distance.h"

#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// max(x, low), whose gradient is that of x at the bound.
Tensor at_least(const Tensor& x, double low) { return x.clamp(low); }

}  // namespace

Tensor normalize(const Tensor& x, NormalizeOptions options) {
  FunctionScope scope("F::normalize");
  Tensor norm = linalg::vector_norm(x, {.ord = options.p, .dim = options.dim, .keepdim = true});
  return x / at_least(norm, options.eps);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, CosineOptions options) {
  FunctionScope scope("F::cosine_similarity");
  auto direction = [&](const Tensor& x) {
    return x / at_least(linalg::vector_norm(x, {.dim = options.dim, .keepdim = true}), options.eps);
  };
  return (direction(x1) * direction(x2)).sum(options.dim);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, DistanceOptions options) {
  FunctionScope scope("F::pairwise_distance");
  return linalg::vector_norm(x1 - x2 + options.eps, {.ord = options.p, .dim = -1, .keepdim = options.keepdim});
}

Tensor pdist(const Tensor& x, double p) {
  FunctionScope scope("F::pdist");
  expect_rank(x, "an input", 2);
  std::vector<std::int64_t> first, second;
  for (std::int64_t i = 0; i < known_size(x, 0); ++i) {
    for (std::int64_t j = i + 1; j < x.size(0); ++j) {
      first.push_back(i);
      second.push_back(j);
    }
  }
  Shape pairs{static_cast<std::int64_t>(first.size())};
  Tensor apart = index_select(x, 0, tensor(first, pairs)) - index_select(x, 0, tensor(second, pairs));
  return linalg::vector_norm(apart, {.ord = p, .dim = 1});
}

}  // namespace mica::F
