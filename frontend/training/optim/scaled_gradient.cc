// RMSprop, Adagrad and Adadelta: gradients divided by the root of what is kept of their squares.
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

// ε stands outside of the root.
class RmsPropOptimizer : public ParameterOptimizer {
 public:
  explicit RmsPropOptimizer(const optim::RMSpropOptions& o)
      : ParameterOptimizer("RMSprop", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.momentum}, o.maximize),
        o_(o) {
    check_not_negative("momentum", o.momentum);
    check_not_negative("eps", o.eps);
    check_not_negative("alpha", o.alpha);
  }
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    Variable square = state.tensor("square_avg", w, 0);
    square.assign(square * o_.alpha + g.square() * (1 - o_.alpha));
    Tensor variance = square;
    if (o_.centered) {
      Variable mean = state.tensor("grad_avg", w, 0);
      mean.assign(mean + (g - mean) * (1 - o_.alpha));
      variance = square - mean.square();
    }
    Tensor direction = g / (variance.sqrt() + o_.eps);
    if (group.momentum > 0) {
      Variable buffer = state.tensor("momentum_buffer", w, 0);
      buffer.assign(buffer * group.momentum + direction);
      direction = buffer;
    }
    w.assign(w - direction * group.lr);
  }

 private:
  optim::RMSpropOptions o_;
};

class AdagradOptimizer : public ParameterOptimizer {
 public:
  explicit AdagradOptimizer(const optim::AdagradOptions& o)
      : ParameterOptimizer("Adagrad", {.lr = o.lr, .weight_decay = o.weight_decay}, o.maximize), o_(o) {
    check_not_negative("lr_decay", o.lr_decay);
    check_not_negative("initial_accumulator_value", o.initial_accumulator_value);
    check_not_negative("eps", o.eps);
  }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    Variable sum = state.tensor("sum", w, o_.initial_accumulator_value);
    sum.assign(sum + g.square());
    double rate = group.lr / (1 + static_cast<double>(state.steps - 1) * o_.lr_decay);
    w.assign(w - g * rate / (sum.sqrt() + o_.eps));
  }

 private:
  optim::AdagradOptions o_;
};

class AdadeltaOptimizer : public ParameterOptimizer {
 public:
  explicit AdadeltaOptimizer(const optim::AdadeltaOptions& o)
      : ParameterOptimizer("Adadelta", {.lr = o.lr, .weight_decay = o.weight_decay}, o.maximize), o_(o) {
    if (o.rho < 0 || o.rho > 1) refuse("rho between 0 and 1", std::to_string(o.rho));
    check_not_negative("eps", o.eps);
  }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    Variable square = state.tensor("square_avg", w, 0);
    Variable deltas = state.tensor("acc_delta", w, 0);
    square.assign(square * o_.rho + g.square() * (1 - o_.rho));
    Tensor delta = (deltas + o_.eps).sqrt() / (square + o_.eps).sqrt() * g;
    deltas.assign(deltas * o_.rho + delta.square() * (1 - o_.rho));
    w.assign(w - delta * group.lr);
  }

 private:
  optim::AdadeltaOptions o_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::RMSprop::RMSprop(const Parameters& params, RMSpropOptions o) : RMSprop({{.params = params}}, o) {}
optim::RMSprop::RMSprop(ParamGroups groups, RMSpropOptions o)
    : Optimizer(make_parameter_optimizer<internal::RmsPropOptimizer>(groups, o)) {}
optim::Adagrad::Adagrad(const Parameters& params, AdagradOptions o) : Adagrad({{.params = params}}, o) {}
optim::Adagrad::Adagrad(ParamGroups groups, AdagradOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdagradOptimizer>(groups, o)) {}
optim::Adadelta::Adadelta(const Parameters& params, AdadeltaOptions o) : Adadelta({{.params = params}}, o) {}
optim::Adadelta::Adadelta(ParamGroups groups, AdadeltaOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdadeltaOptimizer>(groups, o)) {}

}  // namespace mica
