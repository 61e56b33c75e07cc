// Adam, whose weight decay is a gradient, and AdamW, which shrinks the weights.
#include <cmath>

#include "frontend/graph/apply.h"
#include "frontend/graph/value.h"
#include "frontend/training/optim/adam_moments.h"

namespace mica {
namespace internal {
namespace {

class AdamOptimizer : public ParameterOptimizer {
 public:
  explicit AdamOptimizer(const optim::AdamOptions& o) : AdamOptimizer("Adam", o) {}
  explicit AdamOptimizer(const optim::AdamWOptions& o)
      : AdamOptimizer("AdamW", {o.lr, o.betas, o.eps, o.weight_decay, o.amsgrad, o.maximize, true}) {}
  bool has_momentum() const override { return true; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    apply_decay(group, o_.decoupled_weight_decay, w, g);
    Parameters updated{w, state.tensor("exp_avg", w, 0), state.tensor("exp_avg_sq", w, 0)};
    if (o_.amsgrad) updated.push_back(state.tensor("max_exp_avg_sq", w, 0));
    Tensors operands{w, g, updated[1], updated[2]};
    const Tensors& numbers = numbers_of(group, state, w.dtype());
    operands.insert(operands.end(), numbers.begin(), numbers.end());
    if (o_.amsgrad) operands.push_back(updated[3]);
    const Tensors results = apply_all("adam_update", std::move(operands));
    for (std::size_t i = 0; i < updated.size(); ++i) updated[i].assign(results[i]);
  }

 private:
  AdamOptimizer(const char* class_name, const optim::AdamOptions& o)
      : ParameterOptimizer(class_name, {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.betas[0]},
                           o.maximize),
        o_(o) {
    check_betas(o.betas);
    check_not_negative("eps", o.eps);
  }

  // What the operation takes beside tensors: the same operands for all parameters that stand alike.
  const Tensors& numbers_of(const ParameterGroup& group, const ParameterState& state, DType dtype) {
    const double beta_1 = group.momentum, beta_2 = o_.betas[1];
    const std::vector<double> wanted{1 - beta_1,
                                     beta_2,
                                     1 - beta_2,
                                     group.lr / bias_correction(beta_1, state),
                                     std::sqrt(bias_correction(beta_2, state)),
                                     o_.eps};
    if (wanted == known_ && numbers_.front().dtype() == dtype) return numbers_;
    numbers_.clear();
    for (double number : wanted) numbers_.push_back(Tensor::of(make_literal(number, dtype)));
    known_ = wanted;
    return numbers_;
  }

  optim::AdamOptions o_;
  std::vector<double> known_;  // numbers_, before rounding
  Tensors numbers_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::Adam::Adam(const Parameters& params, AdamOptions o) : Adam({{.params = params}}, o) {}
optim::Adam::Adam(ParamGroups groups, AdamOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdamOptimizer>(groups, o)) {}
optim::AdamW::AdamW(const Parameters& params, AdamWOptions o) : AdamW({{.params = params}}, o) {}
optim::AdamW::AdamW(ParamGroups groups, AdamWOptions o)
    : Optimizer(make_parameter_optimizer<internal::AdamOptimizer>(groups, o)) {}

}  // namespace mica
