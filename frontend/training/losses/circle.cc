// The circle loss: embeddings of one label attract, those of different labels repel each other, the more the further
// they are from where they should be.
#include <limits>

#include "frontend/graph/apply.h"
#include "frontend/mica/ops.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

// [N,N]: true where row and column are the same sample.
Tensor diagonal_of(const ir::Dim& samples) {
  auto position = [&](std::int64_t axis) {
    ir::Dims dims = {ir::Dim(1), ir::Dim(1)};
    dims[static_cast<std::size_t>(axis)] = samples;
    return apply("iota", {}, {{"shape", dims}, {"axis", axis}, {"dtype", kInt32}});
  };
  return position(0) == position(1);
}

// log of the sum of exp(x) over the pairs of a sample that count.
Tensor logsumexp_where(const Tensor& counts, const Tensor& x) {
  return where(counts, x, -std::numeric_limits<double>::infinity()).logsumexp(1);
}

LossValues circle(const Tensor& y_true, const Tensor& y_pred, double gamma, double margin, bool remove_diagonal) {
  Tensor labels = (y_true.dim() == 1 ? y_true.unsqueeze(1) : y_true).to(kInt32);
  Tensor alike = labels == labels.transpose(0, 1), different = ~alike;
  if (remove_diagonal) alike = alike & ~diagonal_of(dims_of(labels)[0]);
  Tensor distance = (1 - y_pred.matmul(y_pred.transpose(0, 1))).relu();
  Tensor attraction = (distance + margin).relu() * (distance - margin) * gamma;
  Tensor repulsion = (1 + margin - distance).relu() * (1 - margin - distance) * gamma;
  Tensor values = ops::softplus(logsumexp_where(alike, attraction) + logsumexp_where(different, repulsion));
  return {values, values > 0};  // a sample without pairs does not count
}

LossFn make_circle(ClassOptions& options, LossImpl&) {
  double gamma = options.get("gamma", 80.0), margin = options.get("margin", 0.4);
  bool remove_diagonal = options.get("remove_diagonal", true);
  return [=](const Tensor& t, const Tensor& p) { return circle(t, p, gamma, margin, remove_diagonal); };
}

}  // namespace

LossDefs circle_losses() { return {{"Circle", "circle", {"circle"}, Targets::kLabels, make_circle}}; }

}  // namespace mica::internal
