// Losses of numbers: distances between a target and a prediction.
#include <numbers>

#include "frontend/graph/apply.h"
#include "frontend/mica/ops.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

Tensor squared_error(const Tensor& y_true, const Tensor& y_pred) { return (y_true - y_pred).square().mean(-1); }
Tensor absolute_error(const Tensor& y_true, const Tensor& y_pred) { return (y_true - y_pred).abs().mean(-1); }

Tensor percentage_error(const Tensor& y_true, const Tensor& y_pred) {
  return ((y_true - y_pred) / y_true.abs().clamp(kLossEpsilon)).abs().mean(-1) * 100;
}

Tensor squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred) {
  return (log(y_pred.clamp(kLossEpsilon) + 1) - log(y_true.clamp(kLossEpsilon) + 1)).square().mean(-1);
}

Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta) {
  Tensor distance = (y_pred - y_true).abs();
  return where(distance <= delta, distance.square() * 0.5, distance * delta - 0.5 * delta * delta).mean(-1);
}

// log(cosh(x)) as x + softplus(-2x) - log 2, which does not overflow.
Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred) {
  Tensor x = y_pred - y_true;
  return (x + ops::softplus(x * -2.0) - std::numbers::ln2).mean(-1);
}

Tensor poisson(const Tensor& y_true, const Tensor& y_pred) {
  return (y_pred - y_true * log(y_pred + kLossEpsilon)).mean(-1);
}

Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred) {
  Tensor p = y_true.clamp(kLossEpsilon, 1), q = y_pred.clamp(kLossEpsilon, 1);
  return (p * log(p / q)).sum(-1);
}

// Of a loss without options of its own.
template <Tensor (*values)(const Tensor&, const Tensor&)>
LossFn plain(ClassOptions&, LossImpl&) {
  return values;
}

LossFn make_huber(ClassOptions& options, LossImpl&) {
  double delta = options.get("delta", 1.0);
  return [delta](const Tensor& t, const Tensor& p) { return huber(t, p, delta); };
}

LossFn make_cosine_similarity(ClassOptions& options, LossImpl&) {
  int axis = options.get("axis", -1);
  return [axis](const Tensor& t, const Tensor& p) {
    return -(ops::normalize(t, axis) * ops::normalize(p, axis)).sum(axis);
  };
}

}  // namespace

LossDefs regression_losses() {
  using enum Targets;
  return {
      {"MeanSquaredError", "mean_squared_error", {"mean_squared_error", "mse", "MSE"}, kValues, plain<squared_error>},
      {"MeanAbsoluteError",
       "mean_absolute_error",
       {"mean_absolute_error", "mae", "MAE"},
       kValues,
       plain<absolute_error>},
      {"MeanAbsolutePercentageError",
       "mean_absolute_percentage_error",
       {"mean_absolute_percentage_error", "mape", "MAPE"},
       kValues,
       plain<percentage_error>},
      {"MeanSquaredLogarithmicError",
       "mean_squared_logarithmic_error",
       {"mean_squared_logarithmic_error", "msle", "MSLE"},
       kValues,
       plain<squared_logarithmic_error>},
      {"CosineSimilarity", "cosine_similarity", {"cosine_similarity"}, kValues, make_cosine_similarity},
      {"Huber", "huber_loss", {"huber"}, kValues, make_huber},
      {"LogCosh", "log_cosh", {"log_cosh", "logcosh"}, kValues, plain<log_cosh>},
      {"Poisson", "poisson", {"poisson"}, kValues, plain<poisson>},
      {"KLDivergence",
       "kl_divergence",
       {"kl_divergence", "kld", "KLD", "kullback_leibler_divergence"},
       kValues,
       plain<kl_divergence>},
  };
}

}  // namespace mica::internal
