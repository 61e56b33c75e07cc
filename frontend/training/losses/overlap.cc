// Losses of regions: how little a target and a prediction overlap, over the axes that are given or over everything.
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

LossFn make_dice(ClassOptions& options, LossImpl&) {
  Axes axis = options.get("axis", Axes());
  return [axis](const Tensor& t, const Tensor& p) {
    return 1 - (t * p).sum(axis) * 2 / (t.sum(axis) + p.sum(axis) + kLossEpsilon);
  };
}

LossFn make_tversky(ClassOptions& options, LossImpl&) {
  double alpha = options.get("alpha", 0.5), beta = options.get("beta", 0.5);
  Axes axis = options.get("axis", Axes());
  return [=](const Tensor& t, const Tensor& p) {
    Tensor both = (t * p).sum(axis), missed = ((1 - p) * t).sum(axis), wrong = (p * (1 - t)).sum(axis);
    return 1 - both / (both + missed * alpha + wrong * beta + kLossEpsilon);
  };
}

}  // namespace

LossDefs overlap_losses() {
  return {
      {"Dice", "dice", {"dice"}, Targets::kValues, make_dice},
      {"Tversky", "tversky", {"tversky"}, Targets::kValues, make_tversky},
  };
}

}  // namespace mica::internal
