// Metric and Keras' classes of it.
#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/trace.h"
#include "frontend/layers/fields.h"
#include "frontend/training/metrics/metric.h"

namespace mica {

Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(const std::string& name) : impl_(internal::find_metric(name)) {}
Metric::Metric(std::string_view class_name, const Config& options)
    : Metric(internal::make_metric({std::string(class_name), options})) {}
Metric::Metric(const Loss& loss) : impl_(internal::metric_of(loss)) {}
Metric::Metric(std::string_view name, std::function<Tensor(const Tensor&, const Tensor&)> function)
    : impl_(internal::mean_metric(name, std::move(function))) {
  impl_->described = {"function", {}};
}
Metric Metric::of(std::shared_ptr<CustomMetric> object) { return Metric(internal::metric_of(std::move(object))); }

const std::string& Metric::name() const { return impl_->name; }

void Metric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  Tensors parts = impl_->contribution(y_true, y_pred, sample_weight);
  if (!parts.empty() && internal::Trace::current()) {
    throw Error({.where = name(),
                 .expected = "update_state() outside of what is compiled",
                 .received = "tensors of a training step",
                 .hint = "Give the metric to compile(); its state is kept outside of the Program."});
  }
  std::vector<internal::ValueRef> nodes;
  for (const Tensor& part : parts) nodes.push_back(part.node());
  internal::compute_all(nodes);
  impl_->seen.resize(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) impl_->seen[i].add(internal::compute(nodes[i]));
}

namespace {
Tensor tensor_of(const internal::Sum& sum) { return tensor(sum.values, Shape(sum.dims), {.dtype = kFloat32}); }
}  // namespace

Tensor Metric::result() const { return tensor_of(impl_->result(impl_->seen)); }

void Metric::reset_state() const {
  impl_->seen.clear();
  impl_->reset();
}

Parameters Metric::variables() const {
  Parameters all = impl_->own_variables();
  std::vector<std::string_view> names = impl_->sums();
  for (std::size_t i = 0; i < impl_->seen.size(); ++i) {
    all.emplace_back(tensor_of(impl_->seen[i]), absl::StrCat(name(), "/", std::string(names[i])), false);
  }
  return all;
}

namespace metrics {
namespace {

using internal::FieldValue;

template <class Options>
Config named(const Options& options, Config own = {}) {
  if (!options.name.empty()) own.set("name", options.name);
  return own;
}

template <class T>
Config::Value or_null(const std::optional<T>& value) {
  return FieldValue<std::optional<T>>::write(value);
}

Config thresholds(const ThresholdOptions& o) { return named(o, {{"thresholds", o.threshold}}); }

Config constraint(const char* name, double least, const ConstraintOptions& o) {
  return named(o, {{name, least}, {"num_thresholds", o.num_thresholds}, {"class_id", or_null(o.class_id)}});
}

Config auc(const AUCOptions& o) {
  Config config = named(o, {{"num_thresholds", o.num_thresholds},
                            {"curve", o.curve},
                            {"summation_method", o.summation_method},
                            {"multi_label", o.multi_label},
                            {"from_logits", o.from_logits}});
  if (!o.thresholds.empty()) config.set("thresholds", o.thresholds);
  if (!o.label_weights.empty()) config.set("label_weights", o.label_weights);
  return config;
}

Config f_score(const F1Options& o) {
  Config config = named(o, {{"threshold", or_null(o.threshold)}});
  if (!o.average.empty()) config.set("average", o.average);
  return config;
}

Config with(Config config, const char* key, const Config::Value& value) {
  config.set(key, value);
  return config;
}

Config iou(std::int64_t num_classes, const MeanIoUOptions& o) {
  return named(o, {{"num_classes", num_classes}, {"ignore_class", or_null(o.ignore_class)}});
}

Config crossentropy(const CrossentropyOptions& o) {
  return named(o, {{"from_logits", o.from_logits}, {"label_smoothing", o.label_smoothing}});
}

}  // namespace

Accuracy::Accuracy(NameOptions o) : Metric("Accuracy", named(o)) {}
BinaryAccuracy::BinaryAccuracy(ThresholdOptions o) : Metric("BinaryAccuracy", named(o, {{"threshold", o.threshold}})) {}
CategoricalAccuracy::CategoricalAccuracy(NameOptions o) : Metric("CategoricalAccuracy", named(o)) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(NameOptions o) : Metric("SparseCategoricalAccuracy", named(o)) {}
TopKCategoricalAccuracy::TopKCategoricalAccuracy(TopKOptions o)
    : Metric("TopKCategoricalAccuracy", named(o, {{"k", o.k}})) {}
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(TopKOptions o)
    : Metric("SparseTopKCategoricalAccuracy", named(o, {{"k", o.k}})) {}

TruePositives::TruePositives(ThresholdOptions o) : Metric("TruePositives", thresholds(o)) {}
TrueNegatives::TrueNegatives(ThresholdOptions o) : Metric("TrueNegatives", thresholds(o)) {}
FalsePositives::FalsePositives(ThresholdOptions o) : Metric("FalsePositives", thresholds(o)) {}
FalseNegatives::FalseNegatives(ThresholdOptions o) : Metric("FalseNegatives", thresholds(o)) {}
Precision::Precision(ThresholdOptions o) : Metric("Precision", thresholds(o)) {}
Recall::Recall(ThresholdOptions o) : Metric("Recall", thresholds(o)) {}
AUC::AUC(AUCOptions o) : Metric("AUC", auc(o)) {}
SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity, ConstraintOptions o)
    : Metric("SensitivityAtSpecificity", constraint("specificity", specificity, o)) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity, ConstraintOptions o)
    : Metric("SpecificityAtSensitivity", constraint("sensitivity", sensitivity, o)) {}
PrecisionAtRecall::PrecisionAtRecall(double recall, ConstraintOptions o)
    : Metric("PrecisionAtRecall", constraint("recall", recall, o)) {}
RecallAtPrecision::RecallAtPrecision(double precision, ConstraintOptions o)
    : Metric("RecallAtPrecision", constraint("precision", precision, o)) {}
F1Score::F1Score(F1Options o) : Metric("F1Score", f_score(o)) {}
FBetaScore::FBetaScore(double beta, F1Options o) : Metric("FBetaScore", with(f_score(o), "beta", beta)) {}

IoU::IoU(std::int64_t num_classes, std::vector<std::int64_t> ids, MeanIoUOptions o)
    : Metric("IoU", with(iou(num_classes, o), "target_class_ids", std::move(ids))) {}
BinaryIoU::BinaryIoU(BinaryIoUOptions o)
    : Metric("BinaryIoU", named(o, {{"target_class_ids", o.target_class_ids}, {"threshold", o.threshold}})) {}
MeanIoU::MeanIoU(std::int64_t num_classes, MeanIoUOptions o) : Metric("MeanIoU", iou(num_classes, o)) {}
OneHotIoU::OneHotIoU(std::int64_t num_classes, std::vector<std::int64_t> ids, MeanIoUOptions o)
    : Metric("OneHotIoU", with(iou(num_classes, o), "target_class_ids", std::move(ids))) {}
OneHotMeanIoU::OneHotMeanIoU(std::int64_t num_classes, MeanIoUOptions o)
    : Metric("OneHotMeanIoU", iou(num_classes, o)) {}

MeanSquaredError::MeanSquaredError(NameOptions o) : Metric("MeanSquaredError", named(o)) {}
RootMeanSquaredError::RootMeanSquaredError(NameOptions o) : Metric("RootMeanSquaredError", named(o)) {}
MeanAbsoluteError::MeanAbsoluteError(NameOptions o) : Metric("MeanAbsoluteError", named(o)) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(NameOptions o)
    : Metric("MeanAbsolutePercentageError", named(o)) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(NameOptions o)
    : Metric("MeanSquaredLogarithmicError", named(o)) {}
LogCoshError::LogCoshError(NameOptions o) : Metric("LogCoshError", named(o)) {}
R2Score::R2Score(NameOptions o) : Metric("R2Score", named(o)) {}
CosineSimilarity::CosineSimilarity(int axis, NameOptions o) : Metric("CosineSimilarity", named(o, {{"axis", axis}})) {}
PearsonCorrelation::PearsonCorrelation(AxisOptions o) : Metric("PearsonCorrelation", named(o, {{"axis", o.axis}})) {}
ConcordanceCorrelation::ConcordanceCorrelation(AxisOptions o)
    : Metric("ConcordanceCorrelation", named(o, {{"axis", o.axis}})) {}

BinaryCrossentropy::BinaryCrossentropy(CrossentropyOptions o) : Metric("BinaryCrossentropy", crossentropy(o)) {}
CategoricalCrossentropy::CategoricalCrossentropy(CrossentropyOptions o)
    : Metric("CategoricalCrossentropy", with(crossentropy(o), "axis", o.axis)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCrossentropyOptions o)
    : Metric("SparseCategoricalCrossentropy",
             named(o, {{"from_logits", o.from_logits}, {"ignore_class", or_null(o.ignore_class)}, {"axis", o.axis}})) {}
KLDivergence::KLDivergence(NameOptions o) : Metric("KLDivergence", named(o)) {}
Poisson::Poisson(NameOptions o) : Metric("Poisson", named(o)) {}
Hinge::Hinge(NameOptions o) : Metric("Hinge", named(o)) {}
SquaredHinge::SquaredHinge(NameOptions o) : Metric("SquaredHinge", named(o)) {}
CategoricalHinge::CategoricalHinge(NameOptions o) : Metric("CategoricalHinge", named(o)) {}

Mean::Mean(NameOptions o) : Metric("Mean", named(o)) {}
void Mean::update_state(const Tensor& values, const Tensor& weight) const { Metric::update_state(values, {}, weight); }
Sum::Sum(NameOptions o) : Metric("Sum", named(o)) {}
void Sum::update_state(const Tensor& values, const Tensor& weight) const { Metric::update_state(values, {}, weight); }
MeanMetricWrapper::MeanMetricWrapper(std::function<Tensor(const Tensor&, const Tensor&)> fn, NameOptions o)
    : Metric(o.name.empty() ? "mean_metric_wrapper" : o.name, std::move(fn)) {}

}  // namespace metrics
}  // namespace mica
