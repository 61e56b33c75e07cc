#include "absl/strings/str_cat.h"
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

// The buffer is not damped at the first step, and the rate stands outside of it.
class Sgd : public ParameterOptimizer {
 public:
  explicit Sgd(const optim::SGDOptions& o)
      : ParameterOptimizer("SGD", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.momentum}, o.maximize),
        o_(o) {
    check_not_negative("momentum", o.momentum);
    if (o.nesterov && (o.momentum == 0 || o.dampening != 0)) {
      refuse("a momentum and no dampening with nesterov", absl::StrCat(o.momentum, " and ", o.dampening));
    }
  }
  bool has_momentum() const override { return true; }
  bool keeps_step() const override { return false; }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    if (group.weight_decay != 0) g = g + w * group.weight_decay;
    if (group.momentum != 0) {
      if (Variable* known = state.find("momentum_buffer")) {
        known->assign(*known * group.momentum + g * (1 - o_.dampening));
      } else {
        state.add("momentum_buffer", g);
      }
      Variable buffer = *state.find("momentum_buffer");
      g = o_.nesterov ? g + buffer * group.momentum : buffer;
    }
    w.assign(w - g * group.lr);
  }

 private:
  optim::SGDOptions o_;
};

}  // namespace
}  // namespace internal

using internal::make_parameter_optimizer;
optim::SGD::SGD(const Parameters& params, SGDOptions o) : SGD({{.params = params}}, o) {}
optim::SGD::SGD(ParamGroups groups, SGDOptions o) : Optimizer(make_parameter_optimizer<internal::Sgd>(groups, o)) {}

}  // namespace mica
