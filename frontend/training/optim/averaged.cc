// ASGD, which averages what it steps through, and Rprop, which looks at signs alone.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

class AsgdOptimizer : public ParameterOptimizer {
 public:
  explicit AsgdOptimizer(const optim::ASGDOptions& o)
      : ParameterOptimizer("ASGD", {.lr = o.lr, .weight_decay = o.weight_decay}, o.maximize), o_(o) {}
  bool keeps_number(std::string_view name) const override { return name == "eta" || name == "mu"; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    double& eta = state.numbers.try_emplace("eta", group.lr).first->second;
    double& mu = state.numbers.try_emplace("mu", 1.0).first->second;
    Variable average = state.tensor("ax", w, 0);
    w.assign(w * (1 - o_.lambd * eta) - g * eta);
    average.assign(average + (w - average) * mu);
    const double step = static_cast<double>(state.steps);
    eta = group.lr / std::pow(1 + o_.lambd * group.lr * step, o_.alpha);
    mu = 1 / std::max(1.0, step - o_.t0);
  }

 private:
  optim::ASGDOptions o_;
};

class RpropOptimizer : public ParameterOptimizer {
 public:
  explicit RpropOptimizer(const optim::RpropOptions& o) : ParameterOptimizer("Rprop", {.lr = o.lr}, o.maximize), o_(o) {
    if (o.etas[0] > 0 && o.etas[0] < 1 && o.etas[1] > 1) return;
    refuse("etas around 1", absl::StrCat(o.etas[0], " and ", o.etas[1]));
  }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    Variable before = state.tensor("prev", w, 0);
    Variable size = state.tensor("step_size", w, group.lr);
    Tensor agreement = g * before;
    Tensor scaled = where(agreement > 0, size * o_.etas[1], where(agreement < 0, size * o_.etas[0], size));
    size.assign(scaled.clamp(o_.step_sizes[0], o_.step_sizes[1]));
    g = where(agreement < 0, 0.0, g);  // no step back, and none is remembered
    w.assign(w - g.sign() * size);
    before.assign(g);
  }

 private:
  optim::RpropOptions o_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::ASGD::ASGD(const Parameters& params, ASGDOptions o) : ASGD({{.params = params}}, o) {}
optim::ASGD::ASGD(ParamGroups groups, ASGDOptions o)
    : Optimizer(make_parameter_optimizer<internal::AsgdOptimizer>(groups, o)) {}
optim::Rprop::Rprop(const Parameters& params, RpropOptions o) : Rprop({{.params = params}}, o) {}
optim::Rprop::Rprop(ParamGroups groups, RpropOptions o)
    : Optimizer(make_parameter_optimizer<internal::RpropOptimizer>(groups, o)) {}

}  // namespace mica
