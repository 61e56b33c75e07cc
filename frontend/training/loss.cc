#include "frontend/training/loss.h"

#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/fields.h"

namespace mica {
namespace internal {
namespace {

constexpr double kEpsilon = 1e-7;  // keras.config.epsilon()

Tensor clip_probability(const Tensor& p) { return p.clamp(kEpsilon, 1 - kEpsilon); }

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) { return (y_pred - y_true).square().mean(-1); }
Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) { return (y_pred - y_true).abs().mean(-1); }

// From logits: max(z, 0) - z*y + log(1 + exp(-|z|)), which neither overflows nor cancels.
Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits, double smoothing) {
  Tensor y = smoothing == 0 ? y_true : y_true * (1 - smoothing) + 0.5 * smoothing;
  if (from_logits) return (y_pred.relu() - y_pred * y + log1p(exp(-y_pred.abs()))).mean(-1);
  Tensor p = clip_probability(y_pred);
  return (-(y * log(p) + (1 - y) * log(1 - p))).mean(-1);
}

Tensor log_probabilities(const Tensor& y_pred, bool from_logits, int axis) {
  if (from_logits) return y_pred.log_softmax(axis);
  return log(clip_probability(y_pred / y_pred.sum(axis, {.keepdim = true})));
}

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits, double smoothing,
                                int axis) {
  double classes = static_cast<double>(y_pred.size(axis));
  Tensor y = smoothing == 0 ? y_true : y_true * (1 - smoothing) + smoothing / classes;
  return -(y * log_probabilities(y_pred, from_logits, axis)).sum(axis);
}

// Labels come as [N], [N, T] or with a last axis of 1.
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits, int axis) {
  Tensor labels = y_true.dim() == y_pred.dim() && y_true.size(-1) == 1 ? y_true.squeeze(-1) : y_true;
  int at = axis < 0 ? axis + y_pred.dim() : axis;
  Tensor chosen = apply("one_hot", {labels.to(kInt64)},
                        {{"num_classes", y_pred.size(axis)}, {"axis", std::int64_t{at}}, {"dtype", y_pred.dtype()}});
  return -(chosen * log_probabilities(y_pred, from_logits, at)).sum(at);
}

struct NamedLoss {
  const char* name;
  std::vector<const char*> aliases;
  LossFn values;
  std::optional<int> class_axis;
};

const std::vector<NamedLoss>& named_losses() {
  static const auto* losses = new std::vector<NamedLoss>{
      {"mean_squared_error", {"mse", "MSE"}, mean_squared_error, {}},
      {"mean_absolute_error", {"mae", "MAE"}, mean_absolute_error, {}},
      {"binary_crossentropy",
       {"bce", "BCE"},
       [](const Tensor& t, const Tensor& p) { return binary_crossentropy(t, p, false, 0); },
       {}},
      {"categorical_crossentropy",
       {},
       [](const Tensor& t, const Tensor& p) { return categorical_crossentropy(t, p, false, 0, -1); },
       {}},
      {"sparse_categorical_crossentropy",
       {},
       [](const Tensor& t, const Tensor& p) { return sparse_categorical_crossentropy(t, p, false, -1); },
       -1},
  };
  return *losses;
}

// `described` lacks the name and the reduction.
std::shared_ptr<const LossImpl> loss_class(Described described, std::string_view default_name, const std::string& name,
                                           const std::string& reduction, LossFn values,
                                           std::optional<int> class_axis = {},
                                           std::optional<std::int64_t> ignore_class = {}) {
  for (const char* allowed : {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"}) {
    if (reduction == allowed) {
      LossImpl loss{.described = std::move(described),
                    .name = name.empty() ? std::string(default_name) : name,
                    .reduction = reduction,
                    .values = std::move(values),
                    .class_axis = class_axis,
                    .ignore_class = ignore_class};
      loss.described.config.set("name", loss.name);
      loss.described.config.set("reduction", reduction);
      return std::make_shared<LossImpl>(std::move(loss));
    }
  }
  throw Error({.where = name.empty() ? std::string(default_name) : name,
               .expected = "reduction to be one of sum_over_batch_size, sum, mean, mean_with_sample_weight, none",
               .received = absl::StrCat("\"", reduction, "\""),
               .hint = {}});
}

void check_smoothing(const char* where, double smoothing) {
  if (smoothing >= 0 && smoothing <= 1) return;
  throw Error(
      {.where = where, .expected = "label_smoothing between 0 and 1", .received = absl::StrCat(smoothing), .hint = {}});
}

Tensor ones_like_rank(const Tensor& weight, const Tensor& values) {
  Tensor w = cast(weight, values.dtype());
  while (w.dim() < values.dim()) w = w.unsqueeze(-1);
  while (w.dim() > values.dim() && w.size(-1) == 1) w = w.squeeze(-1);
  return w;
}

}  // namespace

std::shared_ptr<const LossImpl> find_loss(std::string_view name) {
  for (const NamedLoss& loss : named_losses()) {
    bool matches = name == loss.name;
    for (const char* alias : loss.aliases) matches |= name == alias;
    if (!matches) continue;
    return std::make_shared<LossImpl>(
        LossImpl{.name = loss.name, .values = loss.values, .class_axis = loss.class_axis});
  }
  return registered_loss(name);
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const NamedLoss& loss : named_losses()) names.push_back(loss.name);
  return names;
}

std::pair<Tensor, Tensor> squeeze_or_expand(const Tensor& y_true, const Tensor& y_pred) {
  Tensor t = y_true, p = y_pred;
  if (t.dim() == p.dim() + 1 && t.size(-1) == 1) t = t.squeeze(-1);
  if (p.dim() == t.dim() + 1 && p.size(-1) == 1) t = t.unsqueeze(-1);
  return {cast(t, p.dtype()), p};
}

Tensor reduce_values(const Tensor& values, const std::string& reduction, const Tensor& weight, const Tensor& mask) {
  Tensor weighted = values, total_weight;
  if (mask.defined()) {
    // Keras scales a mask so that the mean over all values is the mean over the valid ones.
    Tensor valid = ones_like_rank(mask, values);
    weighted = weighted * valid;
    if (reduction == "sum_over_batch_size" || reduction == "mean")
      weighted = weighted * (ones_like(valid).sum() / (valid.sum() + kEpsilon));
    total_weight = valid;
  }
  if (weight.defined()) {
    Tensor w = ones_like_rank(weight, values);
    weighted = weighted * w;
    total_weight = total_weight.defined() ? total_weight * w : w;
  }
  if (reduction == "none") return weighted;
  if (reduction == "sum") return weighted.sum();
  if (reduction == "mean_with_sample_weight" && total_weight.defined()) {
    return weighted.sum() / ((ones_like(values) * total_weight).sum() + kEpsilon);
  }
  return weighted.mean();
}

Tensor loss_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  Tensor values = loss.class_axis ? loss.values(y_true, y_pred) : [&] {
    auto [t, p] = squeeze_or_expand(y_true, y_pred);
    return loss.values(t, p);
  }();
  Tensor mask = y_pred.mask();
  if (loss.ignore_class) {
    Tensor labels = y_true.dim() == y_pred.dim() ? y_true.squeeze(-1) : y_true;
    Tensor valid = labels != static_cast<double>(*loss.ignore_class);
    mask = mask.defined() ? mask & valid : valid;
  }
  return reduce_values(values, loss.reduction, weight, mask);
}

namespace {

struct RegisteredLosses {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const LossImpl>, std::less<>> by_name;
};
RegisteredLosses& registered_losses() {
  static auto* all = new RegisteredLosses();
  return *all;
}

template <class Options>
Options with_reduction(ConfigReader& reader, Options o) {
  reader.field("name", o.name);
  reader.field("reduction", o.reduction);
  std::optional<std::string> dtype;  // of the loss; targets and predictions have theirs
  reader.field("dtype", dtype);
  reader.finish();
  return o;
}

CrossentropyOptions crossentropy(ConfigReader& reader) {
  CrossentropyOptions o;
  reader.field("from_logits", o.from_logits);
  reader.field("label_smoothing", o.label_smoothing);
  reader.field("axis", o.axis);
  return with_reduction(reader, o);
}

SparseCrossentropyOptions sparse_crossentropy(ConfigReader& reader) {
  SparseCrossentropyOptions o;
  reader.field("from_logits", o.from_logits);
  reader.field("ignore_class", o.ignore_class);
  reader.field("axis", o.axis);
  return with_reduction(reader, o);
}

}  // namespace

void register_loss_function(std::string_view name, LossFn function) {
  RegisteredLosses& all = registered_losses();
  std::lock_guard lock(all.mutex);
  std::string key(name);
  Described described{"function", {{"name", key}}};
  all.by_name[key] = std::make_shared<LossImpl>(
      LossImpl{.described = std::move(described), .name = key, .values = std::move(function)});
}

std::shared_ptr<const LossImpl> registered_loss(std::string_view name) {
  RegisteredLosses& all = registered_losses();
  std::lock_guard lock(all.mutex);
  auto it = all.by_name.find(name);
  return it == all.by_name.end() ? nullptr : it->second;
}

Loss make_loss(const Described& described) {
  const std::string& name = described.class_name;
  ConfigReader reader(described.config, name);
  if (name == "MeanSquaredError") return MeanSquaredError(with_reduction(reader, ReductionOptions()));
  if (name == "MeanAbsoluteError") return MeanAbsoluteError(with_reduction(reader, ReductionOptions()));
  if (name == "BinaryCrossentropy") return BinaryCrossentropy(crossentropy(reader));
  if (name == "CategoricalCrossentropy") return CategoricalCrossentropy(crossentropy(reader));
  if (name == "SparseCategoricalCrossentropy") return SparseCategoricalCrossentropy(sparse_crossentropy(reader));
  return Loss(name);
}

}  // namespace internal

Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(const std::string& name) : impl_(internal::find_loss(name)) {
  if (impl_) return;
  throw Error({.where = "loss",
               .expected = absl::StrCat("one of ", absl::StrJoin(internal::loss_names(), ", ")),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}
Loss::Loss(std::function<Tensor(const Tensor&, const Tensor&)> fn, int)
    : impl_(std::make_shared<internal::LossImpl>(
          internal::LossImpl{.described = {"function", {}}, .name = "loss", .values = std::move(fn)})) {}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  return internal::loss_of(*impl_, y_true, y_pred, sample_weight);
}
const std::string& Loss::name() const { return impl_->name; }

namespace losses {

using internal::loss_class;

namespace {
Config categorical_options(const CrossentropyOptions& o) {
  return {{"name", {}},
          {"reduction", {}},
          {"from_logits", o.from_logits},
          {"label_smoothing", o.label_smoothing},
          {"axis", o.axis}};
}
}  // namespace

BinaryCrossentropy::BinaryCrossentropy(CrossentropyOptions o)
    : Loss(loss_class({"BinaryCrossentropy", categorical_options(o)}, "binary_crossentropy", o.name, o.reduction,
                      [from_logits = o.from_logits, smoothing = o.label_smoothing](const Tensor& t, const Tensor& p) {
                        return internal::binary_crossentropy(t, p, from_logits, smoothing);
                      })) {
  internal::check_smoothing("binary_crossentropy", o.label_smoothing);
}

CategoricalCrossentropy::CategoricalCrossentropy(CrossentropyOptions o)
    : Loss(loss_class({"CategoricalCrossentropy", categorical_options(o)}, "categorical_crossentropy", o.name,
                      o.reduction,
                      [from_logits = o.from_logits, smoothing = o.label_smoothing, axis = o.axis](const Tensor& t,
                                                                                                  const Tensor& p) {
                        return internal::categorical_crossentropy(t, p, from_logits, smoothing, axis);
                      })) {
  internal::check_smoothing("categorical_crossentropy", o.label_smoothing);
}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCrossentropyOptions o)
    : Loss(loss_class(
          {"SparseCategoricalCrossentropy",
           {{"name", {}},
            {"reduction", {}},
            {"from_logits", o.from_logits},
            {"ignore_class", internal::FieldValue<std::optional<std::int64_t>>::write(o.ignore_class)},
            {"axis", o.axis}}},
          "sparse_categorical_crossentropy", o.name, o.reduction,
          [from_logits = o.from_logits, axis = o.axis](const Tensor& t, const Tensor& p) {
            return internal::sparse_categorical_crossentropy(t, p, from_logits, axis);
          },
          o.axis, o.ignore_class)) {}

MeanSquaredError::MeanSquaredError(ReductionOptions o)
    : Loss(loss_class({"MeanSquaredError", {}}, "mean_squared_error", o.name, o.reduction,
                      internal::mean_squared_error)) {}
MeanAbsoluteError::MeanAbsoluteError(ReductionOptions o)
    : Loss(loss_class({"MeanAbsoluteError", {}}, "mean_absolute_error", o.name, o.reduction,
                      internal::mean_absolute_error)) {}

}  // namespace losses
}  // namespace mica
