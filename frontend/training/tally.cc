#include "frontend/training/tally.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mica::internal {
namespace {

// Every metric, in the order of the step's outputs.
template <class F>
void each_metric(const TrainingConfig& config, F f) {
  for (const Head& head : config.heads) {
    for (const HeadMetric& metric : head.metrics) f(metric);
  }
}

// One's own Variables, in the same order.
Parameters own_variables(const TrainingConfig& config) {
  Parameters all;
  each_metric(config, [&](const HeadMetric& m) {
    for (const Variable& variable : m.metric.impl().own_variables()) all.push_back(variable);
  });
  return all;
}

Config::Value value_of(const Sum& sum) { return Config{{"dims", sum.dims}, {"values", sum.values}}; }

}  // namespace

Tally::Tally(const TrainingConfig& config) : config_(&config) {
  each_metric(config, [&](const HeadMetric& m) {
    m.metric.impl().reset();
    metrics_.emplace_back();
  });
}

void Tally::add(std::span<const rt::Array> results, std::int64_t rows) {
  losses_.resize(num_losses(*config_) > 1 ? 1 + num_losses(*config_) : 1);
  last_losses_.clear();
  std::size_t num_metrics = 0;  // a model that had no outputs yet learns them from its first batch
  each_metric(*config_, [&](const HeadMetric&) { ++num_metrics; });
  metrics_.resize(num_metrics);
  auto next = results.begin();
  for (double& loss : losses_) {
    last_losses_.push_back((next++)->at(0));
    loss += last_losses_.back() * static_cast<double>(rows);
  }
  auto state = metrics_.begin();
  each_metric(*config_, [&](const HeadMetric& m) {
    state->resize(m.metric.impl().sums().size());
    for (Sum& sum : *state++) sum.add(*next++);
  });
  rows_ += static_cast<double>(rows);
}

void Tally::set_own(std::string_view name, double value) {
  own_.insert_or_assign(std::string(name), value);
  if (name == "loss") last_losses_ = {value};
}

std::vector<std::pair<std::string, double>> Tally::reported() const {
  std::vector<std::pair<std::string, double>> items;
  if (losses_.empty()) return items;
  auto loss = losses_.begin();
  items.emplace_back("loss", *loss++ / rows_);
  for (const Head& head : config_->heads) {
    if (losses_.size() > 1 && head.loss) items.emplace_back(absl::StrCat(head.output, "_loss"), *loss++ / rows_);
  }
  auto state = metrics_.begin();
  each_metric(*config_, [&](const HeadMetric& m) {
    Sum result = m.metric.impl().result(*state++);
    for (std::size_t i = 0; i < result.values.size(); ++i)
      items.emplace_back(result.dims.empty() ? m.name : absl::StrCat(m.name, "[", i, "]"), result.values[i]);
  });
  return items;
}

Logs Tally::logs() const {
  std::vector<std::pair<std::string, double>> items = reported();
  std::erase_if(items, [&](const auto& item) { return own_.contains(item.first); });
  items.insert(items.end(), own_.begin(), own_.end());
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Logs logs;
  for (const auto& [name, value] : items) logs.set(name, value);
  return logs;
}

Config Tally::state() const {
  std::vector<Config::Value> metrics, variables;
  for (const MetricState& sums : metrics_) {
    std::vector<Config::Value> list;
    for (const Sum& sum : sums) list.push_back(value_of(sum));
    metrics.push_back(list);
  }
  for (const Variable& variable : own_variables(*config_)) variables.push_back(variable.to_vector<double>());
  return {{"losses", losses_}, {"rows", rows_}, {"metrics", metrics}, {"variables", variables}};
}

void Tally::restore(const Config& state) {
  losses_ = state.get<std::vector<double>>("losses");
  rows_ = state.get<double>("rows");
  const std::vector<Config::Value>& metrics = state.at("metrics").list();
  for (std::size_t i = 0; i < metrics_.size() && i < metrics.size(); ++i) {
    metrics_[i].clear();
    for (const Config::Value& sum : metrics[i].list()) {
      metrics_[i].push_back(
          {sum.object().get<std::vector<std::int64_t>>("dims"), sum.object().get<std::vector<double>>("values")});
    }
  }
  Parameters variables = own_variables(*config_);
  const std::vector<Config::Value>& values = state.at("variables").list();
  for (std::size_t i = 0; i < variables.size() && i < values.size(); ++i) {
    std::vector<double> numbers;
    for (const Config::Value& number : values[i].list()) numbers.push_back(number.number());
    variables[i].assign(tensor(numbers, variables[i].shape(), {.dtype = variables[i].dtype()}));
  }
}

}  // namespace mica::internal
