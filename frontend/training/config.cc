#include "frontend/training/config.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/layer_state.h"

namespace mica {
namespace internal {
namespace {

std::size_t output_index(const std::vector<std::string>& outputs, const std::string& name, const Model& model,
                         const char* argument) {
  auto it = std::find(outputs.begin(), outputs.end(), name);
  if (it != outputs.end()) return static_cast<std::size_t>(it - outputs.begin());
  throw Error({.where = model.name(),
               .expected = absl::StrCat(argument, " for one of the outputs ", join(outputs)),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

void check_count(const Model& model, const char* argument, std::size_t wanted, std::size_t given) {
  if (wanted == given) return;
  throw Error({.where = model.name(),
               .expected = absl::StrCat(wanted, " ", argument, ", one for each output"),
               .received = absl::StrCat(given),
               .hint = {}});
}

void set_losses(TrainingConfig& config, const Model& model, const std::vector<std::string>& outputs) {
  const LossSpec& spec = config.options.loss;
  if (spec.items().empty()) return;
  auto hold = [](const Loss& loss) {
    return std::shared_ptr<const LossImpl>(std::make_shared<Loss>(loss), &loss.impl());  // the handle keeps it alive
  };
  if (spec.is_single()) {
    for (Head& head : config.heads) head.loss = hold(spec.items()[0].second);
    return;
  }
  bool by_name = !spec.items()[0].first.empty();
  if (!by_name) check_count(model, "losses", outputs.size(), spec.items().size());
  for (std::size_t i = 0; i < spec.items().size(); ++i) {
    const auto& [name, loss] = spec.items()[i];
    config.heads[by_name ? output_index(outputs, name, model, "a loss") : i].loss = hold(loss);
  }
}

void set_weights(TrainingConfig& config, const Model& model, const std::vector<std::string>& outputs) {
  const auto& items = config.options.loss_weights.items();
  if (items.empty()) return;
  bool by_name = !items[0].first.empty();
  if (!by_name) check_count(model, "loss_weights", outputs.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!std::isfinite(items[i].second)) {
      throw Error({.where = model.name(),
                   .expected = "finite loss_weights",
                   .received = absl::StrCat(items[i].second),
                   .hint = {}});
    }
    config.heads[by_name ? output_index(outputs, items[i].first, model, "a loss weight") : i].weight = items[i].second;
  }
}

// Names in the logs as Keras numbers them: a name that is taken gets a number; one that is weighted gets a prefix
// first.
class MetricNames {
 public:
  std::string name(const std::string& output, const std::string& metric, bool weighted) {
    std::string prefix = output.empty() ? "" : absl::StrCat(output, "_"), name = prefix + metric;
    if (uses_[name] == 0) return use(name);
    if (weighted) name = absl::StrCat(prefix, "weighted_", metric);
    return uses_[name] == 0 ? use(name) : absl::StrCat(name, "_", uses_[name]++);
  }

 private:
  std::string use(const std::string& name) {
    uses_[name] = 1;
    return name;
  }
  std::map<std::string, int> uses_;
};

void add_metrics(Head& head, const std::vector<Metric>& list, bool prefixed, bool weighted, MetricNames& names) {
  for (const Metric& metric : list) {
    std::string name = names.name(prefixed ? head.output : "", metric.impl().name, weighted);
    head.metrics.push_back({metric, std::move(name), weighted});
  }
}

void set_metrics(TrainingConfig& config, const Model& model, const MetricSpec& spec, bool weighted,
                 const std::vector<std::string>& outputs, MetricNames& names) {
  bool prefixed = outputs.size() > 1;
  for (const auto& [name, list] : spec.items()) {
    if (spec.is_by_name()) {
      add_metrics(config.heads[output_index(outputs, name, model, "metrics")], list, prefixed, weighted, names);
    } else {
      for (Head& head : config.heads) add_metrics(head, list, prefixed, weighted, names);
    }
  }
}

}  // namespace

std::size_t num_losses(const TrainingConfig& config) {
  return static_cast<std::size_t>(
      std::count_if(config.heads.begin(), config.heads.end(), [](const Head& head) { return head.loss != nullptr; }));
}

TrainingConfig* find_training_config(const Model& model) {
  return std::any_cast<TrainingConfig>(&model_state(model).training);
}

TrainingConfig& training_config(const Model& model, std::string_view wanted) {
  if (TrainingConfig* config = find_training_config(model)) return *config;
  const ModelState& state = model_state(model);
  throw Error({.where = model.name(),
               .expected = absl::StrCat("compile() before ", std::string(wanted), "()"),
               .received = state.unread ? absl::StrCat("what its file says of it (", state.unread->error, ")")
                                        : "a model that was not compiled",
               .hint = "Call model.compile({.optimizer = …, .loss = …}) first."});
}

const Parameters& TrainingConfig::trained(const Model& model) {
  if (!trained_) trained_ = all_weights(*model.impl(), /*trainable=*/true);
  return *trained_;
}

void resolve_heads(TrainingConfig& config, const Model& model, const std::vector<std::string>& outputs) {
  if (!config.heads.empty()) return;
  for (const std::string& output : outputs) config.heads.push_back({.output = output});
  try {
    set_losses(config, model, outputs);
    set_weights(config, model, outputs);
    MetricNames names;
    set_metrics(config, model, config.options.metrics, false, outputs, names);
    set_metrics(config, model, config.options.weighted_metrics, true, outputs, names);
  } catch (...) {
    config.heads.clear();
    throw;
  }
}

}  // namespace internal

LossSpec::LossSpec() = default;
LossSpec::LossSpec(const char* name) : LossSpec(Loss(name)) {}
LossSpec::LossSpec(const Loss& loss) : losses_{{"", loss}}, single_(true) {}
LossSpec::LossSpec(std::initializer_list<Loss> per_output) {
  for (const Loss& loss : per_output) losses_.emplace_back("", loss);
}
LossSpec::LossSpec(std::initializer_list<std::pair<std::string, Loss>> by_name) : losses_(by_name) {}

LossSpec LossSpec::of(std::vector<std::pair<std::string, Loss>> losses) {
  LossSpec spec;
  spec.losses_ = std::move(losses);
  return spec;
}

LossWeights::LossWeights() = default;
LossWeights::LossWeights(std::initializer_list<double> per_output) {
  for (double weight : per_output) weights_.emplace_back("", weight);
}
LossWeights::LossWeights(std::initializer_list<std::pair<std::string, double>> by_name) : weights_(by_name) {}

LossWeights LossWeights::of(std::vector<std::pair<std::string, double>> weights) {
  LossWeights spec;
  spec.weights_ = std::move(weights);
  return spec;
}

MetricSpec::MetricSpec() = default;
MetricSpec::MetricSpec(std::initializer_list<Metric> list) : metrics_{{"", std::vector<Metric>(list)}} {}
MetricSpec::MetricSpec(std::initializer_list<std::pair<std::string, std::vector<Metric>>> by_name)
    : metrics_(by_name), by_name_(true) {}

MetricSpec MetricSpec::of(std::vector<std::pair<std::string, std::vector<Metric>>> metrics, bool by_name) {
  MetricSpec spec;
  spec.metrics_ = std::move(metrics);
  spec.by_name_ = by_name;
  return spec;
}

void Model::compile(CompileOptions options) const {
  internal::ModelState& state = internal::model_state(*this);
  internal::TrainingConfig config;
  config.optimizer = options.optimizer;
  config.options = std::move(options);
  if (auto* earlier = std::any_cast<internal::TrainingConfig>(&state.training)) config.version = earlier->version + 1;
  if (state.graph) internal::resolve_heads(config, *this, output_names());
  if (built()) config.trained(*this);
  state.training = std::move(config);
  state.unread.reset();
}

void Model::set_stop_training(bool stop) const {
  internal::training_config(*this, "set_stop_training").stop_training = stop;
}
bool Model::stop_training() const { return internal::training_config(*this, "stop_training").stop_training; }

Optimizer Model::optimizer() const { return internal::training_config(*this, "optimizer").optimizer; }

}  // namespace mica
