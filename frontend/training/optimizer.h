// What an Optimizer is behind its handle: a rule that updates one Variable from its gradient, with slots, inside a
// trace.
//
// What changes from step to step without being a tensor of the model (learning rate, bias corrections) is computed in
// double on the host and handed to the Program as run-time operands: a new learning rate compiles nothing.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "frontend/mica/training.h"

namespace mica::internal {

struct OptimizerCommon {
  double weight_decay = 0;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
};

// The slot of one Variable: "momentum" of "dense/kernel".
struct SlotSpec {
  const char* name;
  double initial = 0;
  int group = 0;
};

class OptimizerImpl {
 public:
  OptimizerImpl(std::string name, LearningRate rate, OptimizerCommon common);
  virtual ~OptimizerImpl() = default;

  const std::string& name() const { return name_; }
  double lr() const { return rate_.at(iterations_); }
  void set_lr(double lr);
  std::int64_t iterations() const { return iterations_; }
  void count_step() { ++iterations_; }
  void set_iterations(std::int64_t iterations) { iterations_ = iterations; }
  bool has_constant_rate() const { return rate_.is_constant(); }

  // The class and its options, as files have them.
  Described described() const;

  // Makes the slots of variables that have none yet, in order.
  void build(const Parameters& variables);
  Parameters slots() const { return slot_list_; }
  // In the order of Keras' files: slot by slot, those of one group variable by variable.
  Parameters saved_slots() const;

  // The values of the run-time operands of the step that `iterations()` completed steps precede; the first is the
  // learning rate.
  std::vector<double> operands() const;
  std::size_t num_operands() const { return operands().size(); }
  // Inside a trace: clips, decays, updates every variable. `operands` are rank-0 tensors in the order of operands().
  void apply(const Parameters& variables, Tensors grads, const Tensors& operands);

 protected:
  // The class and what it adds to the options of every optimizer.
  virtual Described own_options() const = 0;
  virtual std::vector<SlotSpec> slot_specs() const = 0;
  // Further operands: `step` counts from 1.
  virtual std::vector<double> more_operands(double lr, double step) const;
  virtual void update(const Variable& variable, const Tensor& grad, const Parameters& slots,
                      const Tensors& operands) = 0;

 private:
  Tensors clipped(const Tensors& grads) const;
  std::string name_;
  LearningRate rate_;
  OptimizerCommon common_;
  std::int64_t iterations_ = 0;
  std::map<const VariableCell*, Parameters> slots_;
  Parameters slot_list_, built_for_;  // built_for_ keeps the cells alive that are keys above
};

std::shared_ptr<OptimizerImpl> make_optimizer(const std::string& name);
// From what a file says of it: a class and its options.
Optimizer make_optimizer(const Described& described);

}  // namespace mica::internal
