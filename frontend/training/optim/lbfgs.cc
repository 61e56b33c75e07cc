// LBFGS: steps along the gradient, corrected by what the last steps told of the curvature. Directions are flat vectors
// over all parameters; what decides how the method goes on is read as numbers.
#include <algorithm>
#include <cmath>
#include <deque>

#include "absl/strings/str_cat.h"
#include "frontend/mica/autograd.h"
#include "frontend/training/optim/line_search.h"
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

constexpr double kLeastCurvature = 1e-10;  // pairs of less say nothing

// A step and how the gradient changed along it.
struct CurvaturePair {
  Tensor step, change;
  double inverse_curvature;
};

class LbfgsOptimizer : public ParameterOptimizer {
 public:
  explicit LbfgsOptimizer(const optim::LBFGSOptions& o) : ParameterOptimizer("LBFGS", {.lr = o.lr}), o_(o) {
    if (!o.line_search_fn.empty() && o.line_search_fn != "strong_wolfe") {
      refuse("line_search_fn \"strong_wolfe\" or none", absl::StrCat("\"", o.line_search_fn, "\""));
    }
  }

  void step() override { refuse("a closure that computes the loss", "none", "step([&] { …; return loss; })"); }

  Tensor step(const std::function<Tensor()>& closure) override {
    closure_ = &closure;
    const std::int64_t most = o_.max_eval.value_or(o_.max_iter * 5 / 4);
    Tensor first = closure();
    double loss = first.item();
    Tensor gradient = flat_gradient();
    std::int64_t evaluations = 1;
    if (largest(gradient) <= o_.tolerance_grad) return first;
    for (std::int64_t i = 1; i <= o_.max_iter; ++i) {
      turn(gradient);
      double length = iterations_ == 1 ? std::min(1.0, 1 / gradient.abs().sum().item()) * lr() : lr();
      previous_ = gradient;
      const double before = loss, slope = gradient.dot(direction_).item();
      if (slope > -o_.tolerance_change) break;
      length_ = length;
      if (o_.line_search_fn.empty()) {
        move(length);
        if (i < o_.max_iter) {
          loss = closure().item();
          gradient = flat_gradient();
          ++evaluations;
        }
      } else {
        LineSearchResult found = search({0, loss, slope, gradient}, length);
        length_ = found.point.step;
        move(length_);
        loss = found.point.value;
        gradient = found.point.gradient;
        evaluations += found.evaluations;
      }
      if (i == o_.max_iter || evaluations >= most || largest(gradient) <= o_.tolerance_grad) break;
      if (largest(direction_) * length_ <= o_.tolerance_change || std::abs(loss - before) < o_.tolerance_change) break;
    }
    return first;
  }

 protected:
  void update(const ParameterGroup&, ParameterState&, Variable, Tensor) override {}

 private:
  double lr() { return groups()[0].lr; }
  const Parameters& parameters() { return groups()[0].params; }
  static double largest(const Tensor& x) { return x.abs().amax().item(); }

  Tensor flat_gradient() {
    Tensors parts;
    for (const Variable& parameter : parameters()) {
      Tensor grad = parameter.grad();
      parts.push_back(grad.defined() ? grad.reshape({kAny}) : filled_like(parameter, 0).reshape({kAny}));
    }
    return cat(parts);
  }

  // The next direction; the first one is that of steepest descent.
  void turn(const Tensor& gradient) {
    NoGradGuard no_grad;
    if (++iterations_ == 1) {
      direction_ = -gradient;
      return;
    }
    Tensor change = gradient - previous_, step = direction_ * length_;
    if (double curvature = change.dot(step).item(); curvature > kLeastCurvature) {
      if (static_cast<std::int64_t>(pairs_.size()) == o_.history_size) pairs_.pop_front();
      pairs_.push_back({step, change, 1 / curvature});
      scale_ = curvature / change.dot(change).item();
    }
    Tensor q = -gradient;
    std::vector<double> weights(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      weights[i] = pairs_[i].step.dot(q).item() * pairs_[i].inverse_curvature;
      q = q - pairs_[i].change * weights[i];
    }
    q = q * scale_;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      double back = pairs_[i].change.dot(q).item() * pairs_[i].inverse_curvature;
      q = q + pairs_[i].step * (weights[i] - back);
    }
    direction_ = q;
    direction_.eval();
  }

  void move(double length) {
    NoGradGuard no_grad;
    std::int64_t offset = 0;
    for (Variable parameter : parameters()) {
      Tensor part = direction_.narrow(0, offset, parameter.numel());
      parameter.assign(parameter + part.reshape(parameter.shape()) * length);
      offset += parameter.numel();
    }
  }

  LineSearchResult search(const LinePoint& start, double first) {
    Tensors before;
    for (const Variable& parameter : parameters()) before.push_back(snapshot(parameter));
    auto evaluate = [&](double step) {
      move(step);
      LinePoint point{step, (*closure_)().item(), 0, flat_gradient()};
      point.slope = point.gradient.dot(direction_).item();
      for (std::size_t i = 0; i < before.size(); ++i) Variable(parameters()[i]).assign(before[i]);
      return point;
    };
    return strong_wolfe(evaluate, start, first, largest(direction_), o_.tolerance_change);
  }

  optim::LBFGSOptions o_;
  const std::function<Tensor()>* closure_ = nullptr;  // of the step that runs
  std::int64_t iterations_ = 0;
  Tensor direction_, previous_;  // the gradient before
  double length_ = 0, scale_ = 1;
  std::deque<CurvaturePair> pairs_;
};

}  // namespace
}  // namespace internal

optim::LBFGS::LBFGS(const Parameters& params, LBFGSOptions o)
    : Optimizer(internal::make_parameter_optimizer<internal::LbfgsOptimizer>({{.params = params}}, std::move(o))) {}

}  // namespace mica
