// Losses by name: Keras' classes and functions, and one's own.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/dtype_policy.h"
#include "frontend/layers/name_registry.h"
#include "frontend/layers/objects.h"
#include "frontend/training/losses/families.h"
#include "frontend/training/losses/reduction.h"

namespace mica::internal {
namespace {

constexpr const char* kReductions[] = {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"};

const LossDefs& loss_defs() {
  static const auto* all = [] {
    auto* defs = new LossDefs();
    for (const LossDefs& family : {regression_losses(), crossentropy_losses(), hinge_losses(), overlap_losses(),
                                   circle_losses(), ctc_losses()}) {
      defs->insert(defs->end(), family.begin(), family.end());
    }
    return defs;
  }();
  return *all;
}

const LossDef* find_class(std::string_view name) {
  for (const LossDef& def : loss_defs()) {
    if (name == def.class_name) return &def;
  }
  return nullptr;
}

const LossDef* find_function(std::string_view name) {
  for (const LossDef& def : loss_defs()) {
    if (std::find(def.functions.begin(), def.functions.end(), name) != def.functions.end()) return &def;
  }
  return nullptr;
}

bool is_crossentropy_by_shape(std::string_view name) {
  return name == "crossentropy" || name == "ce" || name == "Crossentropy" || name == "CE";
}

// An object: Keras' options of every loss, then its own.
std::shared_ptr<const LossImpl> loss_object(const LossDef& def, const Config& config) {
  ClassOptions options(config, def.class_name);
  auto loss = std::make_shared<LossImpl>();
  loss->name = options.get("name", std::string(def.name));
  loss->reduction = options.get("reduction", std::optional<std::string>(loss->reduction)).value_or("none");
  options.require(std::find(std::begin(kReductions), std::end(kReductions), loss->reduction) != std::end(kReductions),
                  absl::StrCat("reduction to be one of ", absl::StrJoin(kReductions, ", ")),
                  absl::StrCat("\"", loss->reduction, "\""));
  std::optional<DTypePolicy> dtype = options.unwritten("dtype", std::optional<DTypePolicy>());
  if (dtype) loss->dtype = dtype->compute_dtype();
  loss->targets = def.targets;
  loss->values = def.make(options, *loss);
  loss->described = {def.class_name, options.finish()};
  return loss;
}

// The function with its defaults: known by its name alone.
std::shared_ptr<const LossImpl> loss_function(const LossDef& def) {
  auto loss = std::make_shared<LossImpl>(*loss_object(def, {}));
  loss->described = {};
  loss->name = def.functions[0];
  return loss;
}

// {"class_name": "LossFunctionWrapper", "config": {"fn": function, "name": …, its arguments}}.
std::shared_ptr<const LossImpl> wrapped_function(const Config& config) {
  std::optional<std::string> name = config.contains("fn") ? function_name(config.at("fn")) : std::nullopt;
  const LossDef* def = name ? find_function(*name) : nullptr;
  if (!def) return nullptr;
  Config options;
  for (const auto& [key, value] : config.items()) {
    if (key != "fn") options.set(key, value);
  }
  return loss_object(*def, options);
}

NameRegistry<std::shared_ptr<const LossImpl>>& registered_losses() {
  static auto* all = new NameRegistry<std::shared_ptr<const LossImpl>>();
  return *all;
}

}  // namespace

void register_loss_function(std::string_view name, std::function<Tensor(const Tensor&, const Tensor&)> function) {
  std::string key(name);
  LossImpl loss{.described = {"function", {{"name", key}}}, .name = key, .values = std::move(function)};
  registered_losses().set(name, std::make_shared<LossImpl>(std::move(loss)));
}

std::shared_ptr<const LossImpl> find_loss(std::string_view name) {
  if (is_crossentropy_by_shape(name)) return std::make_shared<LossImpl>(LossImpl{.name = std::string(name)});
  if (const LossDef* def = find_function(name)) return loss_function(*def);
  if (const LossDef* def = find_class(name)) return loss_object(*def, {});
  return registered_losses().find(name);
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const LossDef& def : loss_defs()) names.emplace_back(def.functions[0]);
  return names;
}

Loss make_loss(const Described& described) {
  const auto& [name, config] = described;
  if (const LossDef* def = find_class(name)) return Loss::of(loss_object(*def, config));
  if (name == "LossFunctionWrapper") {
    if (std::shared_ptr<const LossImpl> wrapped = wrapped_function(config)) return Loss::of(std::move(wrapped));
  }
  return Loss(name);
}

std::string_view kind_of_classes(const Tensor& y_true, const Tensor& y_pred) {
  bool one_class = y_pred.dim() > 0 && y_pred.size(-1) == 1, one_label = y_true.dim() > 0 && y_true.size(-1) == 1;
  if (one_class) return "binary";
  return y_true.dim() < y_pred.dim() || one_label ? "sparse_categorical" : "categorical";
}

std::shared_ptr<const LossImpl> loss_for(const std::shared_ptr<const LossImpl>& loss, const Tensor& y_true,
                                         const Tensor& y_pred) {
  if (loss->values) return loss;
  return find_loss(absl::StrCat(std::string(kind_of_classes(y_true, y_pred)), "_crossentropy"));
}

LossValues values_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred) {
  Tensor p = cast(y_pred, loss.dtype);
  if (loss.targets == Targets::kClassIndices || loss.targets == Targets::kLabels) return loss.values(y_true, p);
  auto [t, q] = of_equal_rank(cast(y_true, loss.dtype), p);
  return loss.values(t, q);
}

Tensor loss_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight) {
  LossValues result = values_of(loss, y_true, y_pred);
  Tensor mask = y_pred.mask();
  if (result.mask.defined()) mask = mask.defined() ? mask & result.mask : result.mask;
  return reduce_values(cast(result.values, loss.dtype), loss.reduction, weight, mask);
}

}  // namespace mica::internal
