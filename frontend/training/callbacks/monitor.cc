#include "frontend/training/callbacks/monitor.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/training/config.h"

namespace mica::internal {

Monitor::Monitor(std::string callback, std::string name, std::string mode, double min_delta)
    : callback_(std::move(callback)), name_(std::move(name)), mode_(std::move(mode)), min_delta_(std::abs(min_delta)) {
  if (mode_ == "auto" || mode_ == "min" || mode_ == "max") return;
  throw Error({.where = callback_,
               .expected = "mode to be one of auto, min, max",
               .received = absl::StrCat("\"", mode_, "\""),
               .hint = {}});
}

std::optional<double> Monitor::value(const Logs& logs) {
  if (logs.contains(name_)) return logs[name_];
  if (!has_warned_) {
    std::fprintf(stderr, "mica: warning: %s: monitors %s, which is not there: %s\n", callback_.c_str(), name_.c_str(),
                 join(logs.keys()).c_str());
  }
  has_warned_ = true;
  return std::nullopt;
}

bool Monitor::larger_is_better(const Model& model) {
  if (mode_ != "auto") return mode_ == "max";
  const std::string metric = name_.starts_with("val_") ? name_.substr(4) : name_;
  if (metric == "loss" || metric.ends_with("_loss")) return false;
  for (const Head& head : training_config(model, callback_).heads) {
    for (const HeadMetric& known : head.metrics) {
      const Direction direction = known.metric.impl().direction;
      if (known.name == metric && direction != Direction::kUnknown) return direction == Direction::kUp;
    }
  }
  throw Error({.where = callback_,
               .expected = absl::StrCat("mode \"max\" or \"min\" for ", name_, " of ", model.name()),
               .received = "\"auto\"",
               .hint = "Only of losses and built-in metrics is it known which is better."});
}

bool Monitor::is_improvement(const Model& model, double value, std::optional<double> reference) {
  if (!larger_is_better_) larger_is_better_ = larger_is_better(model);
  if (!reference) return true;
  return *larger_is_better_ ? value - min_delta_ > *reference : value + min_delta_ < *reference;
}

}  // namespace mica::internal
