// Cross entropies. Those of logits are operations of the compiler, which keep the gradient probabilities - target.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

double label_smoothing(ClassOptions& options) {
  double smoothing = options.get("label_smoothing", 0.0);
  options.require(smoothing >= 0 && smoothing <= 1, "label_smoothing between 0 and 1", absl::StrCat(smoothing));
  return smoothing;
}

Tensor smoothed(const Tensor& y_true, double smoothing, double classes) {
  return smoothing == 0 ? y_true : y_true * (1 - smoothing) + smoothing / classes;
}

double classes_of(const Tensor& y_true) { return static_cast<double>(y_true.size(-1)); }

// Of each element.
Tensor binary_entropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits) {
  if (from_logits) return apply("binary_crossentropy", {y_pred, y_true});
  Tensor p = clip_probability(y_pred);
  return -(y_true * log(p) + (1 - y_true) * log(1 - p));
}

// Probabilities that sum to 1 along the axis, as logarithms can take them.
Tensor normalized(const Tensor& y_pred, int axis) {
  return clip_probability(y_pred / y_pred.sum(axis, {.keepdim = true}));
}

Tensor categorical(const Tensor& y_true, const Tensor& y_pred, bool from_logits, int axis) {
  if (from_logits) return apply("categorical_crossentropy", {y_pred, y_true}, {{"axis", std::int64_t{axis}}});
  return -(y_true * log(normalized(y_pred, axis))).sum(axis);
}

Tensor sparse_categorical(const Tensor& labels, const Tensor& y_pred, bool from_logits, int axis) {
  ir::Attrs attrs = {{"axis", std::int64_t{axis}}, {"called", std::string("labels")}};
  if (from_logits) return apply("sparse_categorical_crossentropy", {y_pred, labels}, std::move(attrs));
  int at = checked_axis(axis, y_pred.dim(), "sparse_categorical_crossentropy");
  Tensor chosen = apply("gather_elements", {y_pred, labels.unsqueeze(at)}, std::move(attrs));
  return -log(clip_probability(chosen / y_pred.sum(at, {.keepdim = true}))).squeeze(at);
}

// Class indices of the prediction's shape without the axis of the classes, which they may have with 1 element.
Tensor labels_beside(const Tensor& y_true, const Tensor& y_pred, int axis) {
  bool has_axis = y_true.dim() == y_pred.dim() && y_true.size(axis) == 1;
  return (has_axis ? y_true.squeeze(axis) : y_true).to(kInt64);
}

LossFn make_binary(ClassOptions& options, LossImpl&) {
  bool from_logits = options.get("from_logits", false);
  double smoothing = label_smoothing(options);
  int axis = options.get("axis", -1);
  return [=](const Tensor& t, const Tensor& p) {
    return binary_entropy(smoothed(t, smoothing, 2), p, from_logits).mean(axis);
  };
}

LossFn make_categorical(ClassOptions& options, LossImpl&) {
  bool from_logits = options.get("from_logits", false);
  double smoothing = label_smoothing(options);
  int axis = options.get("axis", -1);
  return [=](const Tensor& t, const Tensor& p) {
    return categorical(smoothed(t, smoothing, classes_of(t)), p, from_logits, axis);
  };
}

LossFn make_sparse_categorical(ClassOptions& options, LossImpl& loss) {
  bool from_logits = options.get("from_logits", false);
  loss.ignore_class = options.get("ignore_class", std::optional<std::int64_t>());
  int axis = loss.class_axis = options.get("axis", -1);
  return [from_logits, axis, ignored = loss.ignore_class](const Tensor& t, const Tensor& p) -> LossValues {
    Tensor labels = labels_beside(t, p, axis);
    if (!ignored) return sparse_categorical(labels, p, from_logits, axis);
    Tensor valid = labels != static_cast<double>(*ignored);
    Tensor values = sparse_categorical(where(valid, labels, 0), p, from_logits, axis);
    return {where(valid, values, 0), valid};
  };
}

LossFn make_generalized(ClassOptions& options, LossImpl&) {
  double q = options.get("q", 0.5);
  options.require(q > 0 && q < 1, "q between 0 and 1", absl::StrCat(q));
  return [q](const Tensor& t, const Tensor& p) {
    Tensor chosen = apply("gather_elements", {p, labels_beside(t, p, -1).unsqueeze(-1)},
                          {{"axis", std::int64_t{-1}}, {"called", std::string("labels")}});
    return (1 - chosen.squeeze(-1).pow(q)) / q;
  };
}

// 1 for well classified elements to the power of gamma: they count less. A power of 0 is 1, with no gradient.
Tensor modulation(const Tensor& doubt, double gamma) { return gamma == 0 ? ones_like(doubt) : doubt.pow(gamma); }

LossFn make_binary_focal(ClassOptions& options, LossImpl&) {
  bool from_logits = options.get("from_logits", false);
  double smoothing = label_smoothing(options);
  int axis = options.get("axis", -1);
  bool balanced = options.get("apply_class_balancing", false);
  double alpha = options.get("alpha", 0.25), gamma = options.get("gamma", 2.0);
  return [=](const Tensor& y_true, const Tensor& y_pred) {
    Tensor t = smoothed(y_true, smoothing, 2), p = from_logits ? y_pred.sigmoid() : y_pred;
    Tensor likelihood = t * p + (1 - t) * (1 - p);
    Tensor values = modulation(1 - likelihood, gamma) * binary_entropy(t, p, false);
    if (balanced) values = values * (t * alpha + (1 - t) * (1 - alpha));
    return values.mean(axis);
  };
}

LossFn make_categorical_focal(ClassOptions& options, LossImpl&) {
  bool from_logits = options.get("from_logits", false);
  double smoothing = label_smoothing(options);
  int axis = options.get("axis", -1);
  double alpha = options.get("alpha", 0.25), gamma = options.get("gamma", 2.0);
  return [=](const Tensor& y_true, const Tensor& y_pred) {
    Tensor t = smoothed(y_true, smoothing, classes_of(y_true));
    Tensor p = normalized(from_logits ? y_pred.softmax(axis) : y_pred, axis);
    return (modulation(1 - p, gamma) * alpha * (-t * log(p))).sum(axis);
  };
}

}  // namespace

LossDefs crossentropy_losses() {
  using enum Targets;
  return {
      {"BinaryCrossentropy", "binary_crossentropy", {"binary_crossentropy", "bce", "BCE"}, kValues, make_binary},
      {"BinaryFocalCrossentropy",
       "binary_focal_crossentropy",
       {"binary_focal_crossentropy"},
       kValues,
       make_binary_focal},
      {"CategoricalCrossentropy", "categorical_crossentropy", {"categorical_crossentropy"}, kValues, make_categorical},
      {"CategoricalFocalCrossentropy",
       "categorical_focal_crossentropy",
       {"categorical_focal_crossentropy"},
       kValues,
       make_categorical_focal},
      {"CategoricalGeneralizedCrossEntropy",
       "categorical_generalized_cross_entropy",
       {"categorical_generalized_cross_entropy"},
       kClassIndices,
       make_generalized},
      {"SparseCategoricalCrossentropy",
       "sparse_categorical_crossentropy",
       {"sparse_categorical_crossentropy"},
       kClassIndices,
       make_sparse_categorical},
  };
}

}  // namespace mica::internal
