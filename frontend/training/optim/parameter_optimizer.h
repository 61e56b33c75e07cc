// What an Optimizer of PyTorch is behind its handle: groups of parameters, what it keeps for each of them, and a rule
// that updates one parameter by operations on tensors. All numbers are operands of the Program that step() runs: the
// second step runs what the first one compiled.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/mica/optim.h"

namespace mica::internal {

struct ParameterGroup {
  Parameters params;
  double lr = 0, weight_decay = 0;
  double momentum = 0;                    // or the first beta: what cyclic schedulers move
  std::optional<double> initial_lr = {};  // what schedulers start from
};

std::vector<double> rates_of(const std::vector<ParameterGroup>& groups);

// What is kept for one parameter: tensors by PyTorch's names, made at its first step, and numbers.
struct ParameterState {
  std::int64_t steps = 0;
  std::vector<std::pair<std::string, Variable>> tensors;
  std::map<std::string, double> numbers;

  // The tensor of a name; like the parameter and full of `initial` when it is asked for first.
  Variable tensor(std::string_view name, const Variable& parameter, double initial);
  void add(std::string_view name, const Tensor& value);
  Variable* find(std::string_view name);
};

// What a Variable holds now, whatever is assigned later.
Tensor snapshot(const Tensor& variable);
// A tensor like the parameter, full of `value`.
Tensor filled_like(const Variable& parameter, double value);

class ParameterOptimizer {
 public:
  // `defaults` is a group without parameters: the options that a ParamGroup need not give.
  ParameterOptimizer(std::string_view class_name, ParameterGroup defaults, bool maximize = false);
  virtual ~ParameterOptimizer() = default;

  const std::string& class_name() const { return class_name_; }
  std::vector<ParameterGroup>& groups() { return groups_; }
  // Whether cyclic schedulers have a momentum to move.
  virtual bool has_momentum() const { return false; }
  // Whether state_dict() holds the number of a parameter's steps.
  virtual bool keeps_step() const { return true; }
  // Whether the state of this name is a number and no tensor like the parameter.
  virtual bool keeps_number(std::string_view) const { return false; }
  // The shape of a tensor that is kept for a parameter.
  virtual Shape shape_of_state(std::string_view, const Variable& parameter) const { return parameter.shape(); }
  // Error for no parameters and for one that is in a group already.
  void add_group(const optim::ParamGroup& group);

  void zero_grad();
  // Updates every parameter that has a gradient, and runs what is pending.
  virtual void step();
  // step() after the closure; rules that need the loss more than once override it.
  virtual Tensor step(const std::function<Tensor()>& closure);

  TensorDict state_dict();
  void load_state_dict(const TensorDict& dict);

 protected:
  // Binds the new value of `parameter`. `grad` has the sign of what is minimised.
  virtual void update(const ParameterGroup& group, ParameterState& state, Variable parameter, Tensor grad) = 0;

  virtual void check_parameter(const Variable&) const {}  // Error for one that the rule does not update
  void check_not_negative(const char* argument, double value) const;
  void check_betas(const std::array<double, 2>& betas) const;
  [[noreturn]] void refuse(std::string expected, std::string received, std::string hint = {}) const;

 private:
  std::string class_name_;
  ParameterGroup defaults_;
  bool maximize_;
  std::vector<ParameterGroup> groups_;
  std::vector<ParameterState> states_;  // of the parameters of all groups, in order
  std::map<const VariableCell*, std::size_t> index_;
};

// The optimizer with its groups.
template <class Rule, class Options>
std::shared_ptr<ParameterOptimizer> make_parameter_optimizer(const std::vector<optim::ParamGroup>& groups,
                                                             Options options) {
  auto optimizer = std::make_shared<Rule>(std::move(options));
  for (const optim::ParamGroup& group : groups) optimizer->add_group(group);
  return optimizer;
}

}  // namespace mica::internal
