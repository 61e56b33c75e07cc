#include "frontend/training/losses/reduction.h"

#include "frontend/graph/apply.h"
#include "frontend/graph/operation.h"

namespace mica::internal {
namespace {

bool is_mean(std::string_view reduction) { return reduction == "sum_over_batch_size" || reduction == "mean"; }

bool ends_in_one(const Tensor& x) { return x.dim() > 0 && x.size(-1) == 1; }

}  // namespace

std::pair<Tensor, Tensor> of_equal_rank(const Tensor& a, const Tensor& b, bool expand_vectors) {
  if (a.dim() == b.dim() + 1 && ends_in_one(a)) {
    bool expand = b.dim() == 1 && expand_vectors;
    return expand ? std::pair(a, b.unsqueeze(-1)) : std::pair(a.squeeze(-1), b);
  }
  if (b.dim() == a.dim() + 1 && ends_in_one(b)) {
    bool expand = a.dim() == 1 && expand_vectors;
    return expand ? std::pair(a.unsqueeze(-1), b) : std::pair(a, b.squeeze(-1));
  }
  return {a, b};
}

Tensor divide_no_nan(const Tensor& a, const Tensor& b) { return use_operation("DivideNoNan", {{"x1", a}, {"x2", b}}); }

Tensor count_of(const Tensor& x, DType dtype) {
  return apply("dim", {}, {{"dim", ir::Dims{ir::product(dims_of(x))}}, {"dtype", dtype}});
}

Tensor weights_beside(const Tensor& weight, const Tensor& values) {
  Tensor aligned = weight;
  while (aligned.dim() < values.dim() && aligned.dim() > 0) aligned = aligned.unsqueeze(-1);
  return aligned;
}

Tensor masked_weights(const Tensor& weight, const Tensor& mask, DType dtype, std::string_view reduction) {
  if (!mask.defined()) return weight.defined() ? cast(weight, dtype) : weight;
  Tensor valid = cast(mask, dtype);
  if (is_mean(reduction)) valid = valid * divide_no_nan(count_of(mask, dtype), valid.sum());
  if (!weight.defined()) return valid;
  auto [v, w] = of_equal_rank(valid, cast(weight, dtype));
  return v * weights_beside(w, v);
}

Tensor reduce_values(const Tensor& values, std::string_view reduction, const Tensor& weight, const Tensor& mask) {
  Tensor weighted = values, weights = masked_weights(weight, mask, values.dtype(), reduction);
  if (weights.defined()) {
    std::tie(weighted, weights) = of_equal_rank(values, weights);
    if (weights.dim() < weighted.dim()) weights = weights_beside(weights, weighted) * ones_like(weighted);
    weighted = weighted * weights;
  }
  if (reduction == "none" || weighted.dim() == 0) return weighted;
  if (reduction == "sum") return weighted.sum();
  if (is_mean(reduction) || !weights.defined()) return weighted.mean();
  return divide_no_nan(weighted.sum(), weights.sum());
}

}  // namespace mica::internal
