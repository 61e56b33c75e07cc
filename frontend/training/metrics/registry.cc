// Metrics by name: Keras' classes and their aliases, losses, functions.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/naming.h"
#include "frontend/layers/name_registry.h"
#include "frontend/layers/objects.h"
#include "frontend/training/metrics/accuracy.h"
#include "frontend/training/metrics/families.h"
#include "frontend/training/metrics/mean.h"

namespace mica::internal {
namespace {

const MetricDefs& metric_defs() {
  static const auto* all = [] {
    auto* defs = new MetricDefs();
    for (const MetricDefs& family : {reduction_metrics(), accuracy_metrics(), loss_metrics(), regression_metrics(),
                                     confusion_metrics(), auc_metrics(), f_score_metrics(), iou_metrics()}) {
      defs->insert(defs->end(), family.begin(), family.end());
    }
    return defs;
  }();
  return *all;
}

// "AUC" and "auc"; aliases such as "mse" are those of the losses.
const MetricDef* find_def(std::string_view name) {
  std::string canonical(name);
  if (std::shared_ptr<const LossImpl> loss = find_loss(name); loss && loss->described.class_name.empty())
    canonical = loss->name;
  for (const MetricDef& def : metric_defs()) {
    if (canonical == def.class_name || canonical == snake_case(def.class_name)) return &def;
  }
  return nullptr;
}

// An object: Keras' options of every metric, then its own.
std::shared_ptr<MetricImpl> metric_object(const MetricDef& def, const Config& config) {
  ClassOptions options(config, def.class_name);
  std::string automatic = config.contains("name") ? "" : def.name ? def.name : unique_name(snake_case(def.class_name));
  std::string name = options.get("name", automatic);
  std::string dtype = options.get("dtype", std::optional<std::string>(def.dtype)).value_or(def.dtype);
  std::shared_ptr<MetricImpl> metric = def.make(options);
  metric->name = name;
  metric->dtype = dtype;
  metric->direction = def.direction;
  metric->described = {def.class_name, options.finish()};
  return metric;
}

// {"class_name": "MeanMetricWrapper", "config": {"fn": function, "name": …, its arguments}}.
std::shared_ptr<MetricImpl> wrapped_function(const Described& described) {
  const Config& config = described.config;
  std::optional<std::string> function = config.contains("fn") ? function_name(config.at("fn")) : std::nullopt;
  const MetricDef* def = function ? find_def(*function) : nullptr;
  if (!def) return nullptr;
  Config options;
  for (const auto& [key, value] : config.items()) {
    if (key != "fn") options.set(key, value);
  }
  std::shared_ptr<MetricImpl> metric = metric_object(*def, options);
  metric->described = described;
  return metric;
}

// Known by its name alone.
std::shared_ptr<MetricImpl> named(std::shared_ptr<MetricImpl> metric, const std::string& name) {
  metric->name = name;
  metric->described = {};
  return metric;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const MetricDef& def : metric_defs()) names.push_back(snake_case(def.class_name));
  return names;
}

LossFn function_values(const std::shared_ptr<const LossImpl>& loss) {
  return [loss](const Tensor& t, const Tensor& p) { return values_of(*loss_for(loss, t, p), t, p); };
}

NameRegistry<LossFn>& registered_metrics() {
  static auto* all = new NameRegistry<LossFn>();
  return *all;
}

std::shared_ptr<MetricImpl> registered_metric(const std::string& name) {
  LossFn function = registered_metrics().find(name);
  if (!function) return nullptr;
  std::shared_ptr<MetricImpl> metric = mean_metric(name, std::move(function));
  metric->described = {"function", {{"name", name}}};
  return metric;
}

}  // namespace

void register_metric_function(std::string_view name, LossFn function) {
  registered_metrics().set(name, std::move(function));
}

void Sum::add(const rt::Array& part) {
  if (values.empty()) {
    dims = part.dims();
    values.resize(static_cast<std::size_t>(part.numel()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += part.at(static_cast<std::int64_t>(i));
}

std::shared_ptr<MetricImpl> find_metric(const std::string& name) {
  std::string folded = absl::AsciiStrToLower(name);
  if (folded == "accuracy" || folded == "acc") {
    std::shared_ptr<MetricImpl> metric = mean_metric(name, accuracy_by_shape);
    metric->direction = Direction::kUp;
    return metric;
  }
  if (std::shared_ptr<MetricImpl> own = registered_metric(name)) return own;
  if (const MetricDef* def = find_def(name)) {
    NamingPause pause;  // it has its name
    return named(metric_object(*def, {}), name);
  }
  if (std::shared_ptr<const LossImpl> loss = find_loss(name)) return mean_metric(name, function_values(loss));
  throw Error({.where = "metric",
               .expected = absl::StrCat("one of ", absl::StrJoin(metric_names(), ", ")),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

std::shared_ptr<MetricImpl> metric_of(const Loss& loss) {
  const LossImpl& impl = loss.impl();
  bool is_object = !impl.described.class_name.empty() && impl.described.class_name != "function";
  // Keras calls an object, which reduces: the mean over batches.
  LossFn values = [loss](const Tensor& t, const Tensor& p) { return loss(t, p); };
  if (!is_object) values = function_values(std::make_shared<LossImpl>(impl));
  std::shared_ptr<MetricImpl> metric = mean_metric(impl.name, values);
  metric->direction = Direction::kDown;
  metric->described = impl.described;
  return metric;
}

Metric make_metric(const Described& described) {
  const auto& [name, config] = described;
  if (std::optional<Metric> own = make_custom_metric(described)) return *own;
  if (config.contains("reduction")) return Metric(make_loss(described));
  for (const MetricDef& def : metric_defs()) {
    if (name == def.class_name) return Metric::of(metric_object(def, config));
  }
  if (name == "MeanMetricWrapper") {
    if (std::shared_ptr<MetricImpl> wrapped = wrapped_function(described)) return Metric::of(std::move(wrapped));
  }
  return Metric(name);
}

}  // namespace mica::internal
