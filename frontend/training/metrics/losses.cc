// Metrics that are the means of a loss' values.
#include "frontend/training/metrics/families.h"
#include "frontend/training/metrics/mean.h"

namespace mica::internal {
namespace {

std::shared_ptr<MetricImpl> mean_of(const Loss& loss) {
  return std::make_shared<MeanMetric>(
      [loss](const Tensor& t, const Tensor& p) { return values_of(loss.impl(), t, p); });
}

template <auto& class_name>
std::shared_ptr<MetricImpl> plain(ClassOptions&) {
  return mean_of(Loss(class_name, {}));
}

std::shared_ptr<MetricImpl> make_binary_crossentropy(ClassOptions& options) {
  return mean_of(BinaryCrossentropy(
      {.from_logits = options.get("from_logits", false), .label_smoothing = options.get("label_smoothing", 0.0)}));
}

std::shared_ptr<MetricImpl> make_categorical_crossentropy(ClassOptions& options) {
  return mean_of(CategoricalCrossentropy({.from_logits = options.get("from_logits", false),
                                          .label_smoothing = options.get("label_smoothing", 0.0),
                                          .axis = options.get("axis", -1)}));
}

std::shared_ptr<MetricImpl> make_sparse_categorical_crossentropy(ClassOptions& options) {
  return mean_of(
      SparseCategoricalCrossentropy({.from_logits = options.get("from_logits", false),
                                     .ignore_class = options.get("ignore_class", std::optional<std::int64_t>()),
                                     .axis = options.get("axis", -1)}));
}

// The loss is the negative.
std::shared_ptr<MetricImpl> make_cosine_similarity(ClassOptions& options) {
  CosineSimilarity loss(options.get("axis", -1));
  return std::make_shared<MeanMetric>(
      [loss](const Tensor& t, const Tensor& p) { return -values_of(loss.impl(), t, p).values; });
}

constexpr char kMse[] = "MeanSquaredError", kMae[] = "MeanAbsoluteError", kMape[] = "MeanAbsolutePercentageError",
               kMsle[] = "MeanSquaredLogarithmicError", kLogCosh[] = "LogCosh", kHinge[] = "Hinge",
               kSquaredHinge[] = "SquaredHinge", kCategoricalHinge[] = "CategoricalHinge", kPoisson[] = "Poisson",
               kKlDivergence[] = "KLDivergence";

}  // namespace

MetricDefs loss_metrics() {
  constexpr Direction kDown = Direction::kDown, kUnknown = Direction::kUnknown;
  return {
      {kMse, "mean_squared_error", kDown, plain<kMse>},
      {kMae, "mean_absolute_error", kDown, plain<kMae>},
      {kMape, "mean_absolute_percentage_error", kDown, plain<kMape>},
      {kMsle, "mean_squared_logarithmic_error", kDown, plain<kMsle>},
      {"LogCoshError", "logcosh", kDown, plain<kLogCosh>},
      {"CosineSimilarity", "cosine_similarity", Direction::kUp, make_cosine_similarity},
      {kHinge, "hinge", kDown, plain<kHinge>},
      {kSquaredHinge, "squared_hinge", kDown, plain<kSquaredHinge>},
      {kCategoricalHinge, "categorical_hinge", kDown, plain<kCategoricalHinge>},
      {kPoisson, "poisson", kUnknown, plain<kPoisson>},
      {kKlDivergence, "kl_divergence", kUnknown, plain<kKlDivergence>},
      {"BinaryCrossentropy", "binary_crossentropy", kDown, make_binary_crossentropy},
      {"CategoricalCrossentropy", "categorical_crossentropy", kDown, make_categorical_crossentropy},
      {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", kDown, make_sparse_categorical_crossentropy},
  };
}

}  // namespace mica::internal
