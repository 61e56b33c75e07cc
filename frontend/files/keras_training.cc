#include "frontend/files/keras_training.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/keras_object.h"
#include "frontend/graph/model_state.h"
#include "frontend/layers/fields.h"
#include "frontend/layers/objects.h"
#include "frontend/training/config.h"
#include "frontend/training/optimizers/registry.h"

namespace mica::files {
namespace {

using internal::TrainingConfig;
using Kind = Config::Value::Kind;
using Value = Config::Value;

constexpr const char* kOptimizer = "optimizer";

TrainingConfig* training_of(const Model& model) {
  return std::any_cast<TrainingConfig>(&internal::model_state(model).training);
}

// ---- writing

// A loss or metric: the name that it was given by, or its object.
Value spec_value(const char* module, const Described& described, const std::string& name) {
  if (described.class_name.empty()) return name;
  if (described.class_name != "function") return internal::object_value(module, described.class_name, described.config);
  if (described.config.contains("name")) return internal::function_value(name);
  throw Error({.where = "save",
               .expected = "losses and metrics that files can name",
               .received = "a function",
               .hint = "Register it before, register_loss(\"package>name\", function) or register_metric(…), and give "
                       "its name."});
}

// Items by name, in order, or a single one.
template <class Item, class Write>
Value spec_values(const std::vector<std::pair<std::string, Item>>& items, bool single, const Write& write) {
  if (items.empty()) return {};
  if (single) return write(items[0].second);
  bool by_name = !items[0].first.empty();
  Config object;
  std::vector<Value> list;
  for (const auto& [name, item] : items) {
    if (by_name) object.set(name, write(item));
    list.push_back(write(item));
  }
  return by_name ? Value(object) : Value(list);
}

Value loss_value(const Loss& loss) { return spec_value("keras.losses", loss.impl().described, loss.name()); }

Value metric_list(const std::vector<Metric>& metrics) {
  std::vector<Value> list;
  for (const Metric& metric : metrics) {
    if (metric.impl().custom()) {
      list.push_back(internal::custom_metric_value(metric.impl()));
      continue;
    }
    const Described& described = metric.impl().described;
    bool is_loss = described.config.contains("reduction");
    list.push_back(spec_value(is_loss ? "keras.losses" : "keras.metrics", described, metric.name()));
  }
  return list;
}

// Keras takes a list for each output where there are several.
Value metrics_value(const MetricSpec& spec, std::size_t outputs) {
  if (spec.is_by_name() || spec.items().empty() || outputs == 1) {
    return spec_values(spec.items(), !spec.is_by_name(), metric_list);
  }
  return std::vector<Value>(outputs, metric_list(spec.items()[0].second));
}

// ---- reading

bool is_object(const Value& value) { return value.kind() == Kind::kObject && value.object().contains("class_name"); }

// A class with its options, the name of a registered function, or a name.
Described described_spec(const Value& value, const char* what) {
  if (std::optional<std::string> function = internal::function_name(value)) return {*function, {}};
  std::optional<Described> described = internal::described_by(value);
  if (described) {
    // One's own class goes by the whole name that it was registered under.
    if (is_object(value) && value.object().contains("registered_name")) {
      const Value& name = value.object().at("registered_name");
      if (name.kind() == Kind::kText && name.text().find('>') != std::string::npos) described->class_name = name.text();
    }
    return *described;
  }
  throw Error(
      {.where = what, .expected = "a name or an object", .received = value.to_json().substr(0, 80), .hint = {}});
}

Loss read_loss(const Value& value) { return internal::make_loss(described_spec(value, "loss")); }
Metric read_metric(const Value& value) { return internal::make_metric(described_spec(value, "metric")); }

LossSpec read_losses(const Value& value) {
  if (value.is_null()) return {};
  if (value.kind() == Kind::kText || is_object(value)) return LossSpec(read_loss(value));
  std::vector<std::pair<std::string, Loss>> losses;
  if (value.kind() == Kind::kList) {
    for (const Value& item : value.list()) losses.emplace_back("", read_loss(item));
  } else {
    for (const auto& [name, item] : value.object().items()) losses.emplace_back(name, read_loss(item));
  }
  return LossSpec::of(std::move(losses));
}

LossWeights read_weights(const Value& value) {
  std::vector<std::pair<std::string, double>> weights;
  if (value.is_number()) weights.emplace_back("", value.number());
  if (value.kind() == Kind::kList) {
    for (const Value& item : value.list()) weights.emplace_back("", item.number());
  } else if (value.kind() == Kind::kObject) {
    for (const auto& [name, item] : value.object().items()) weights.emplace_back(name, item.number());
  }
  return LossWeights::of(std::move(weights));
}

std::vector<Metric> read_metric_list(const Value& value) {
  std::vector<Metric> metrics;
  if (value.kind() == Kind::kList) {
    for (const Value& item : value.list()) metrics.push_back(read_metric(item));
  } else if (!value.is_null()) {
    metrics.push_back(read_metric(value));
  }
  return metrics;
}

MetricSpec read_metrics(const Value& value, const std::vector<std::string>& outputs) {
  using Items = std::vector<std::pair<std::string, std::vector<Metric>>>;
  if (value.is_null()) return {};
  if (value.kind() == Kind::kObject) {
    Items items;
    for (const auto& [name, list] : value.object().items()) items.emplace_back(name, read_metric_list(list));
    return MetricSpec::of(std::move(items), true);
  }
  auto is_list = [](const Value& item) { return item.kind() == Kind::kList || item.is_null(); };
  bool by_output = value.kind() == Kind::kList && std::any_of(value.list().begin(), value.list().end(), is_list);
  if (!by_output) return MetricSpec::of({{"", read_metric_list(value)}}, false);
  Items items;
  for (std::size_t i = 0; i < value.list().size() && i < outputs.size(); ++i) {
    items.emplace_back(outputs[i], read_metric_list(value.list()[i]));
  }
  return MetricSpec::of(std::move(items), true);
}

Value at_or_null(const Config& config, const char* key) { return config.contains(key) ? config.at(key) : Value(); }

CompileOptions read_options(const Model& model, const Config& config) {
  bool has_graph = internal::model_state(model).graph.has_value();
  std::vector<std::string> outputs = has_graph ? model.output_names() : std::vector<std::string>();
  CompileOptions options;
  options.optimizer = internal::make_optimizer(described_spec(at_or_null(config, kOptimizer), kOptimizer));
  options.loss = read_losses(at_or_null(config, "loss"));
  options.loss_weights = read_weights(at_or_null(config, "loss_weights"));
  options.metrics = read_metrics(at_or_null(config, "metrics"), outputs);
  options.weighted_metrics = read_metrics(at_or_null(config, "weighted_metrics"), outputs);
  Value steps = at_or_null(config, "steps_per_execution");
  if (steps.kind() == Kind::kInteger) options.steps_per_execution = steps.integer();
  return options;
}

// The variables of an optimizer that Mica lacks, as they are.
Parameters read_variables(const hdf5::Group& group) {
  Parameters variables;
  for (std::size_t i = 0; i < group.links().size(); ++i) {
    absl::StatusOr<hdf5::Dataset> dataset = group.dataset(absl::StrCat(i));
    absl::StatusOr<rt::Array> array = dataset.ok() ? dataset->read() : dataset.status();
    throw_if_error(array.status());
    variables.emplace_back(Tensor::of(internal::make_computed(*std::move(array))));
  }
  return variables;
}

}  // namespace

Config compile_config(const Model& model) {
  const TrainingConfig* training = training_of(model);
  const internal::ModelState& state = internal::model_state(model);
  if (!training) return state.unread ? state.unread->config : Config();
  const CompileOptions& options = training->options;
  std::size_t outputs = training->heads.empty() ? 1 : training->heads.size();
  return {{kOptimizer, internal::FieldValue<Optimizer>::write(options.optimizer)},
          {"loss", spec_values(options.loss.items(), options.loss.is_single(), loss_value)},
          {"loss_weights", spec_values(options.loss_weights.items(), false, [](double w) { return Value(w); })},
          {"metrics", metrics_value(options.metrics, outputs)},
          {"weighted_metrics", metrics_value(options.weighted_metrics, outputs)},
          {"run_eagerly", false},
          {"steps_per_execution", options.steps_per_execution},
          {"jit_compile", false}};
}

void read_compile_config(const Model& model, const Config& config) {
  if (config.items().empty()) return;
  try {
    model.compile(read_options(model, config));
  } catch (const Error& e) {
    internal::model_state(model).unread = {.config = config, .error = e.what()};
  }
}

std::optional<SavedObject> saved_optimizer(const Model& model) {
  const TrainingConfig* training = training_of(model);
  const internal::ModelState& state = internal::model_state(model);
  if (!training && !state.unread) return std::nullopt;
  if (!training) return SavedObject{kOptimizer, kOptimizer, state.unread->optimizer};
  internal::OptimizerImpl& optimizer = training->optimizer.impl();
  return SavedObject{kOptimizer, optimizer.name(), optimizer.variables()};
}

void load_optimizer(const Model& model, const hdf5::File& file) {
  TrainingConfig* training = training_of(model);
  std::optional<internal::ModelState::UnreadTraining>& unread = internal::model_state(model).unread;
  absl::StatusOr<hdf5::Group> group = file.root().group(absl::StrCat(kOptimizer, "/vars"));
  if (!group.ok()) return;
  if (!training && unread) unread->optimizer = read_variables(*group);
  if (!training) return;
  internal::OptimizerImpl& optimizer = training->optimizer.impl();
  // One that never took a step has no slots.
  if (group->links().size() != optimizer.variables().size()) optimizer.build(model.trainable_weights());
  SavedObject saved = *saved_optimizer(model);
  if (group->links().size() != saved.variables.size()) return;
  load_variables({saved}, file);
  optimizer.reload();
}

TensorDict variables_by_path(const Model& model, bool with_optimizer) {
  TensorDict values;
  for (const Variable& variable : model.weights()) values.set(variable.path(), variable);
  std::optional<SavedObject> optimizer = saved_optimizer(model);
  if (!with_optimizer || !optimizer) return values;
  std::size_t index = 0;
  for (const Variable& variable : optimizer->variables) {
    values.set(absl::StrCat("optimizer/", index++, ":", variable.path()), variable);
  }
  return values;
}

}  // namespace mica::files
