#include "frontend/layers/softmax.h"

#include "frontend/graph/apply.h"

namespace mica::internal {
namespace {

Tensor softmax_over(const Tensor& x, const ir::Ints& axes) {
  if (axes.size() == 1) return apply("softmax", {x}, {{"axis", axes[0]}});
  return (x - apply("logsumexp", {x}, {{"axes", axes}, {"keepdims", true}})).exp();
}

}  // namespace

Tensor masked_softmax(const Tensor& x, const Tensor& mask, const ir::Ints& axes) {
  if (!mask.defined()) return softmax_over(x, axes);
  Tensor valid = mask.dtype().is_bool() ? mask : mask > 0.5;
  double beyond_reach = x.dtype() == kFloat16 ? -3e4 : -1e9;
  return where(valid, softmax_over(where(valid, x, beyond_reach), axes), 0.0);
}

}  // namespace mica::internal
