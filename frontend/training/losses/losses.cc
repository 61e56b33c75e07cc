// Loss and Keras' classes of it.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/layers/fields.h"
#include "frontend/training/losses/loss.h"

namespace mica {

Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(const std::string& name) : impl_(internal::find_loss(name)) {
  if (impl_) return;
  throw Error({.where = "loss",
               .expected = absl::StrCat("one of ", absl::StrJoin(internal::loss_names(), ", ")),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}
Loss::Loss(std::string_view class_name, const Config& options)
    : Loss(internal::make_loss({std::string(class_name), options})) {}
Loss::Loss(std::function<Tensor(const Tensor&, const Tensor&)> fn, int)
    : impl_(std::make_shared<internal::LossImpl>(
          internal::LossImpl{.described = {"function", {}}, .name = "loss", .values = std::move(fn)})) {}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  return internal::loss_of(*internal::loss_for(impl_, y_true, y_pred), y_true, y_pred, sample_weight);
}
const std::string& Loss::name() const { return impl_->name; }

inline namespace losses {
namespace {

using internal::FieldValue;

// The options of every loss, then those of a class.
template <class Options>
Config with_common(const Options& options, Config own = {}) {
  if (!options.name.empty()) own.set("name", options.name);
  own.set("reduction", options.reduction);
  return own;
}

Config crossentropy(const CrossentropyOptions& o) {
  return with_common(o, {{"from_logits", o.from_logits}, {"label_smoothing", o.label_smoothing}, {"axis", o.axis}});
}

Config sparse_crossentropy(const SparseCrossentropyOptions& o) {
  return with_common(o, {{"from_logits", o.from_logits},
                         {"ignore_class", FieldValue<std::optional<std::int64_t>>::write(o.ignore_class)},
                         {"axis", o.axis}});
}

Config focal(const FocalOptions& o) {
  return with_common(
      o,
      {{"alpha", o.alpha}, {"gamma", o.gamma}, {"from_logits", o.from_logits}, {"label_smoothing", o.label_smoothing}});
}

Config binary_focal(const FocalOptions& o) {
  Config config = focal(o);
  config.set("apply_class_balancing", o.apply_class_balancing);
  return config;
}

}  // namespace

BinaryCrossentropy::BinaryCrossentropy(CrossentropyOptions o) : Loss("BinaryCrossentropy", crossentropy(o)) {}
BinaryFocalCrossentropy::BinaryFocalCrossentropy(FocalOptions o) : Loss("BinaryFocalCrossentropy", binary_focal(o)) {}
CategoricalCrossentropy::CategoricalCrossentropy(CrossentropyOptions o)
    : Loss("CategoricalCrossentropy", crossentropy(o)) {}
CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(FocalOptions o)
    : Loss("CategoricalFocalCrossentropy", focal(o)) {}
CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(double q, ReductionOptions o)
    : Loss("CategoricalGeneralizedCrossEntropy", with_common(o, {{"q", q}})) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCrossentropyOptions o)
    : Loss("SparseCategoricalCrossentropy", sparse_crossentropy(o)) {}
MeanSquaredError::MeanSquaredError(ReductionOptions o) : Loss("MeanSquaredError", with_common(o)) {}
MeanAbsoluteError::MeanAbsoluteError(ReductionOptions o) : Loss("MeanAbsoluteError", with_common(o)) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(ReductionOptions o)
    : Loss("MeanAbsolutePercentageError", with_common(o)) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(ReductionOptions o)
    : Loss("MeanSquaredLogarithmicError", with_common(o)) {}
CosineSimilarity::CosineSimilarity(int axis, ReductionOptions o)
    : Loss("CosineSimilarity", with_common(o, {{"axis", axis}})) {}
Huber::Huber(double delta, ReductionOptions o) : Loss("Huber", with_common(o, {{"delta", delta}})) {}
Hinge::Hinge(ReductionOptions o) : Loss("Hinge", with_common(o)) {}
SquaredHinge::SquaredHinge(ReductionOptions o) : Loss("SquaredHinge", with_common(o)) {}
CategoricalHinge::CategoricalHinge(ReductionOptions o) : Loss("CategoricalHinge", with_common(o)) {}
KLDivergence::KLDivergence(ReductionOptions o) : Loss("KLDivergence", with_common(o)) {}
LogCosh::LogCosh(ReductionOptions o) : Loss("LogCosh", with_common(o)) {}
Poisson::Poisson(ReductionOptions o) : Loss("Poisson", with_common(o)) {}
Dice::Dice(Axes axis, ReductionOptions o) : Loss("Dice", with_common(o, {{"axis", FieldValue<Axes>::write(axis)}})) {}
Tversky::Tversky(double alpha, double beta, ReductionOptions o)
    : Loss("Tversky", with_common(o, {{"alpha", alpha}, {"beta", beta}})) {}
CTC::CTC(ReductionOptions o) : Loss("CTC", with_common(o)) {}
Circle::Circle(double gamma, double margin, ReductionOptions o)
    : Loss("Circle", with_common(o, {{"gamma", gamma}, {"margin", margin}})) {}

}  // namespace losses
}  // namespace mica
