// What an Optimizer of Keras is behind its handle: a rule that updates Variables from their gradients, with slots,
// inside a trace.
//
// What changes from step to step without being a tensor of the model (learning rate, bias corrections, whether this
// step updates or only accumulates) is computed in double on the host and handed to the Program as run-time operands:
// no step compiles anything new.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/graph/variable.h"
#include "frontend/mica/training/optimizers.h"
#include "frontend/training/schedule.h"

namespace mica::internal {

// What every optimizer takes beside its learning rate.
struct OptimizerCommon {
  std::string name;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<std::int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<std::int64_t> gradient_accumulation_steps = {};

  // From the public options of any optimizer. No decay is Keras' None.
  template <class Options>
  static OptimizerCommon of(const Options& o) {
    return {o.name,
            o.weight_decay == 0 ? std::optional<double>() : o.weight_decay,
            o.clipnorm,
            o.clipvalue,
            o.global_clipnorm,
            o.use_ema,
            o.ema_momentum,
            o.ema_overwrite_frequency,
            o.loss_scale_factor,
            o.gradient_accumulation_steps};
  }
};

// A slot to make for a Variable: its path and what it holds at first. Files keep slots by group; those of one group
// variable by variable.
struct SlotSpec {
  std::string path;
  Tensor initial;
  int group = 0;
};

// What a rule updates one Variable from.
struct UpdateArguments {
  Variable variable;
  Tensor grad;
  Parameters slots;  // in the order of slots_of()
  Tensor lr;         // rank 0, as all factors, of the dtype of the variable
  Tensors factors;   // in the order of factors()
};

class OptimizerImpl {
 public:
  OptimizerImpl(std::string_view class_name, LearningRate rate, OptimizerCommon common);
  virtual ~OptimizerImpl() = default;

  const std::string& name() const { return common_.name; }
  virtual double lr() const { return rate_.at(steps_); }
  virtual void set_lr(double lr);
  // Updates of the variables; with gradient accumulation fewer than steps.
  virtual std::int64_t iterations() const { return steps_ / common_.gradient_accumulation_steps.value_or(1); }
  // A step was run.
  virtual void count_step() { ++steps_; }
  // Another optimizer around this one scales the loss.
  void forgo_loss_scaling() { common_.loss_scale_factor.reset(); }
  void exclude_from_weight_decay(const Parameters& variables, const std::vector<std::string>& names);

  // The class and its options, as files have them; and from them, with Error naming the option.
  Described described();
  void read(const Config& config);

  // One's own class behind it, or null.
  virtual const CustomOptimizer* custom() const { return nullptr; }

  // Makes the slots of variables that have none yet.
  virtual void build(const Parameters& variables);
  // What steps assign beside the variables, in the order of Keras' files.
  virtual Parameters slots() const;
  // Keras' list: the step, the learning rate unless a schedule sets it, the slots.
  virtual Parameters variables();
  // Takes step and learning rate back from variables() after these were assigned.
  virtual void reload();

  // Gradients that are not finite are part of the work: a step that has them is skipped.
  virtual bool takes_any_gradient() const { return false; }

  // The values of the run-time operands of the next step.
  virtual std::vector<double> operands() const;
  std::size_t num_operands() const { return operands().size(); }
  // What the gradients are taken of: the loss, scaled where gradients of low precision would vanish.
  virtual Tensor scaled(const Tensor& loss);
  // Inside a trace: one step. `operands` are rank-0 tensors in the order of operands().
  virtual void apply(const Parameters& variables, Tensors grads, const Tensors& operands);
  // After the last step of fit(): the variables take their moving averages, where there are any.
  virtual void finalize(const Parameters& variables);
  // The variables and their moving averages change places; or the averages become what the variables are. Error where
  // there are none.
  virtual void swap_averages(const Parameters& variables);
  virtual void set_averages(const Parameters& variables);

 protected:
  OptimizerCommon& common() { return common_; }
  const OptimizerCommon& common() const { return common_; }
  // All options, in Keras' order.
  virtual void visit_all(FieldVisitor& visitor);
  // What the class adds to the options of every optimizer.
  virtual void visit_options(FieldVisitor& visitor) = 0;
  virtual void check_options() const {}

  virtual std::vector<SlotSpec> slots_of(const Variable& variable) const = 0;
  // Slots of the optimizer itself, behind all others.
  virtual std::vector<SlotSpec> own_slots() const { return {}; }
  // Operands beside the learning rate; `step` counts the updates from 1.
  virtual std::vector<double> factors(double lr, double step) const;
  virtual std::optional<double> weight_decay_of(const Variable& variable) const;
  // Once a step, before the updates.
  virtual void update_own(const Parameters& own_slots, const Tensors& factors);
  virtual void update(const UpdateArguments& arguments) = 0;

  // "adam/dense_kernel_momentum", like the variable and full of `initial`.
  SlotSpec slot(const Variable& variable, std::string_view name, double initial = 0, int group = 0) const;
  void check_beta(const char* argument, double value) const;
  void check_not_negative(const char* argument, double value) const;

 private:
  struct Slots {
    Variable variable;  // keeps the cell alive that is the key
    Parameters all;
    Variable average, accumulator;
    std::vector<int> groups;
  };
  // Operands in their places.
  struct Operands {
    Tensor lr;
    Tensors factors;
    Tensor is_update, ema_momentum, ema_overwrites;
  };

  void check() const;
  bool accumulates() const { return common_.gradient_accumulation_steps.has_value(); }
  bool decays(const Variable& variable) const;
  Slots& slots_for(const Variable& variable);
  void check_averages() const;
  Operands placed(const Tensors& operands) const;
  Tensors clipped(const Tensors& grads) const;
  void update_all(const Parameters& variables, const Tensors& grads, const Operands& operands);
  void accumulate(const Parameters& variables, const Tensors& grads, const Operands& operands);
  void average(const Parameters& variables, const Operands& operands);

  std::string class_name_;
  LearningRate rate_;
  OptimizerCommon common_;
  std::int64_t steps_ = 0;
  std::vector<Slots> slots_;  // in the order of the variables
  std::unordered_map<const VariableCell*, std::size_t> slot_index_;
  Parameters own_slots_;
  Variable step_variable_, rate_variable_;  // what variables() shows of steps_ and rate_
  Parameters undecayed_;
  std::vector<std::string> undecayed_names_;
};

}  // namespace mica::internal
