#include "frontend/training/optim/parameter_optimizer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/autograd.h"

namespace mica::internal {
namespace {

const VariableCell* key_of(const Variable& variable) { return variable.cell().get(); }

// The numbers of a group that state_dict() holds.
template <class F>
void each_number(ParameterGroup& group, F f) {
  f("lr", group.lr);
  f("weight_decay", group.weight_decay);
  f("momentum", group.momentum);
  if (group.initial_lr) f("initial_lr", *group.initial_lr);
}

// Small integers and rates as PyTorch keeps them: tensors of rank 0.
Tensor number(double value) { return tensor(NestedList(value), {.dtype = kFloat64}); }

}  // namespace

std::vector<double> rates_of(const std::vector<ParameterGroup>& groups) {
  std::vector<double> rates;
  for (const ParameterGroup& group : groups) rates.push_back(group.lr);
  return rates;
}

Variable ParameterState::tensor(std::string_view name, const Variable& parameter, double initial) {
  if (!find(name)) add(name, filled_like(parameter, initial));
  return *find(name);
}

void ParameterState::add(std::string_view name, const Tensor& value) {
  tensors.emplace_back(name, Variable(value, name, false));
}

Variable* ParameterState::find(std::string_view name) {
  for (auto& [known, variable] : tensors) {
    if (known == name) return &variable;
  }
  return nullptr;
}

Tensor snapshot(const Tensor& variable) { return Tensor::of(current_value(variable.node())); }

Tensor filled_like(const Variable& parameter, double value) {
  return full(parameter.shape(), value, {.dtype = parameter.dtype()});
}

ParameterOptimizer::ParameterOptimizer(std::string_view class_name, ParameterGroup defaults, bool maximize)
    : class_name_(class_name), defaults_(std::move(defaults)), maximize_(maximize) {
  check_not_negative("lr", defaults_.lr);
  check_not_negative("weight_decay", defaults_.weight_decay);
}

void ParameterOptimizer::refuse(std::string expected, std::string received, std::string hint) const {
  throw Error({.where = absl::StrCat("optim::", class_name_),
               .expected = std::move(expected),
               .received = std::move(received),
               .hint = std::move(hint)});
}

void ParameterOptimizer::check_not_negative(const char* argument, double value) const {
  if (std::isfinite(value) && value >= 0) return;
  refuse(absl::StrCat(argument, " to be a finite number of at least 0"), absl::StrCat(value));
}

void ParameterOptimizer::check_betas(const std::array<double, 2>& betas) const {
  for (double beta : betas) {
    if (beta < 0 || beta >= 1) refuse("betas from 0 to below 1", absl::StrCat(beta));
  }
}

void ParameterOptimizer::add_group(const optim::ParamGroup& added) {
  if (added.params.empty()) refuse("parameters to update", "none", "net.parameters() of a net with weights.");
  ParameterGroup group = defaults_;
  group.params = added.params;
  group.lr = added.lr.value_or(defaults_.lr);
  group.weight_decay = added.weight_decay.value_or(defaults_.weight_decay);
  check_not_negative("lr", group.lr);
  check_not_negative("weight_decay", group.weight_decay);
  for (const Variable& parameter : group.params) check_parameter(parameter);
  for (const Variable& parameter : group.params) {
    if (!index_.emplace(key_of(parameter), states_.size()).second) {
      refuse("every parameter once", absl::StrCat(parameter.path(), " again"), "One group may hold it, and once.");
    }
    states_.emplace_back();
  }
  groups_.push_back(std::move(group));
}

void ParameterOptimizer::zero_grad() {
  for (ParameterGroup& group : groups_) {
    for (Variable& parameter : group.params) parameter.zero_grad();
  }
}

void ParameterOptimizer::step() {
  {
    NoGradGuard no_grad;
    FunctionScope scope("optim::" + class_name_);
    for (const ParameterGroup& group : groups_) {
      for (const Variable& parameter : group.params) {
        Tensor grad = parameter.grad();
        if (!grad.defined()) continue;
        ParameterState& state = states_[index_.at(key_of(parameter))];
        ++state.steps;
        update(group, state, parameter, maximize_ ? -grad : grad);
      }
    }
  }
  run_bindings();
}

Tensor ParameterOptimizer::step(const std::function<Tensor()>& closure) {
  Tensor loss = closure();
  step();
  return loss;
}

TensorDict ParameterOptimizer::state_dict() {
  TensorDict dict;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    ParameterState& state = states_[i];
    std::string prefix = absl::StrCat("state.", i, ".");
    if (keeps_step() && state.steps > 0) {
      dict.set(absl::StrCat(prefix, "step"), number(static_cast<double>(state.steps)));
    }
    for (const auto& [name, value] : state.numbers) dict.set(absl::StrCat(prefix, name), number(value));
    for (const auto& [name, variable] : state.tensors) dict.set(absl::StrCat(prefix, name), snapshot(variable));
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    each_number(groups_[i], [&](const char* name, double value) {
      dict.set(absl::StrCat("param_groups.", i, ".", name), number(value));
    });
  }
  return dict;
}

void ParameterOptimizer::load_state_dict(const TensorDict& dict) {
  std::vector<ParameterState> states(states_.size());
  Parameters all;
  for (const ParameterGroup& group : groups_) all.insert(all.end(), group.params.begin(), group.params.end());
  for (const auto& [key, value] : dict) {
    std::vector<std::string> parts = absl::StrSplit(key, absl::MaxSplits('.', 2));
    std::size_t index = parts.size() == 3 ? std::strtoul(parts[1].c_str(), nullptr, 10) : 0;
    bool of_state = parts[0] == "state";
    if (parts.size() != 3 || (!of_state && parts[0] != "param_groups") ||
        index >= (of_state ? states.size() : groups_.size())) {
      refuse(absl::StrCat("the state of ", states.size(), " parameters in ", groups_.size(), " groups"),
             absl::StrCat("\"", key, "\""), "Load what state_dict() of an optimizer of the same parameters gave.");
    }
    if (!of_state) {
      if (parts[2] == "initial_lr") groups_[index].initial_lr.emplace();
      each_number(groups_[index], [&, &name = parts[2], &number = value](const char* known, double& field) {
        if (name == known) field = number.item();
      });
    } else if (parts[2] == "step") {
      states[index].steps = value.item<std::int64_t>();
    } else if (keeps_number(parts[2])) {
      states[index].numbers[parts[2]] = value.item();
    } else {
      const Shape expected = shape_of_state(parts[2], all[index]);
      if (value.shape() != expected) {
        refuse(absl::StrCat(key, " of shape ", expected.to_string()), value.shape().to_string());
      }
      states[index].add(parts[2], snapshot(value));
    }
  }
  states_ = std::move(states);
}

}  // namespace mica::internal
