#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

double machine_epsilon(DType dtype) {
  if (dtype == kFloat64) return std::numeric_limits<double>::epsilon();
  constexpr double kOfHalf = 1.0 / 1024, kOfBrainFloat = 1.0 / 128;
  if (dtype == kFloat16 || dtype == kBFloat16) return dtype == kFloat16 ? kOfHalf : kOfBrainFloat;
  return std::numeric_limits<float>::epsilon();
}

Tensor root_mean_square(const Tensor& x) { return x.square().mean().sqrt(); }

// The second moment of a matrix, of the last two axes, is the product of the means of its rows and columns.
class AdafactorOptimizer : public ParameterOptimizer {
 public:
  explicit AdafactorOptimizer(const optim::AdafactorOptions& o)
      : ParameterOptimizer("Adafactor", {.lr = o.lr, .weight_decay = o.weight_decay}, o.maximize), o_(o) {
    if (!(o.beta2_decay <= 0)) refuse("beta2_decay of at most 0", absl::StrCat(o.beta2_decay));
    if (o.eps.first) check_not_negative("eps", *o.eps.first);
    check_not_negative("eps", o.eps.second);
    if (!(o.d >= 1)) refuse("d of at least 1", absl::StrCat(o.d));
  }
  Shape shape_of_state(std::string_view name, const Variable& w) const override {
    std::vector<std::int64_t> dims = w.shape().dims();
    if (name == "row_var") dims.back() = 1;
    if (name == "col_var") dims[dims.size() - 2] = 1;
    return dims;
  }

 protected:
  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    const double step = static_cast<double>(state.steps), weight = std::pow(step, o_.beta2_decay);
    const double eps = o_.eps.first.value_or(machine_epsilon(w.dtype()));
    Tensor rate = root_mean_square(w).clamp(o_.eps.second) * std::min(group.lr, 1 / std::sqrt(step));
    if (group.weight_decay != 0) w.assign(w * (1 - group.lr * group.weight_decay));
    Tensor variance = w.dim() > 1 ? factored_variance(state, w, g, weight, eps) : plain_variance(state, w, g, weight);
    Tensor direction = variance.clamp(eps * eps).rsqrt() * g;
    Tensor excess = (root_mean_square(direction) / o_.d).clamp(1.0);
    w.assign(w - direction * (rate / excess));
  }

 private:
  static Tensor plain_variance(ParameterState& state, const Variable& w, const Tensor& g, double weight) {
    Variable variance = state.tensor("variance", w, 0);
    variance.assign(variance + (g.square() - variance) * weight);
    return variance;
  }
  Tensor factored_variance(ParameterState& state, const Variable& w, const Tensor& g, double weight, double eps) const {
    auto moved = [&](const char* name, const Axes& axis) {
      if (!state.find(name)) state.add(name, zeros(shape_of_state(name, w), {.dtype = w.dtype()}));
      Variable mean = *state.find(name);
      mean.assign(mean + (g.square().mean(axis, {.keepdim = true}) - mean) * weight);
      return mean;
    };
    Variable rows = moved("row_var", -1), columns = moved("col_var", -2);
    return rows * columns / rows.mean(-2, {.keepdim = true}).clamp(eps);
  }

  optim::AdafactorOptions o_;
};

}  // namespace
}  // namespace internal

optim::Adafactor::Adafactor(const Parameters& params, AdafactorOptions o) : Adafactor({{.params = params}}, o) {}
optim::Adafactor::Adafactor(ParamGroups groups, AdafactorOptions o)
    : Optimizer(internal::make_parameter_optimizer<internal::AdafactorOptimizer>(groups, o)) {}

}  // namespace mica
