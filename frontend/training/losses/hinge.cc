// Losses of margins: targets are -1 and 1, or 0 and 1.
#include "frontend/graph/apply.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

// Targets of 0 and 1 alone become -1 and 1; others stay.
Tensor signs_of(const Tensor& y_true) {
  Tensor is_binary = ((y_true == 0) | (y_true == 1)).all();
  return where(is_binary, y_true * 2 - 1, y_true);
}

Tensor shortfall(const Tensor& y_true, const Tensor& y_pred) { return (1 - signs_of(y_true) * y_pred).relu(); }

LossFn make_hinge(ClassOptions&, LossImpl&) {
  return [](const Tensor& t, const Tensor& p) { return shortfall(t, p).mean(-1); };
}

LossFn make_squared_hinge(ClassOptions&, LossImpl&) {
  return [](const Tensor& t, const Tensor& p) { return shortfall(t, p).square().mean(-1); };
}

LossFn make_categorical_hinge(ClassOptions&, LossImpl&) {
  return [](const Tensor& t, const Tensor& p) {
    Tensor right = (t * p).sum(-1), best_wrong = ((1 - t) * p).amax(-1);
    return (best_wrong - right + 1).relu();
  };
}

}  // namespace

LossDefs hinge_losses() {
  return {
      {"Hinge", "hinge", {"hinge"}, Targets::kValues, make_hinge},
      {"SquaredHinge", "squared_hinge", {"squared_hinge"}, Targets::kValues, make_squared_hinge},
      {"CategoricalHinge", "categorical_hinge", {"categorical_hinge"}, Targets::kValues, make_categorical_hinge},
  };
}

}  // namespace mica::internal
