// PyTorch's optimizers and schedulers by its names, arguments, defaults and formulas; clipping of gradients.
#pragma once
#include <array>
#include <optional>

#include "mica/training/optimizers.h"

namespace mica {

namespace internal {
class RateScheduler;     // frontend/training/optim/scheduler.h
class PlateauScheduler;  // frontend/training/optim/plateau.h
}  // namespace internal

// torch.optim
namespace optim {
struct ParamGroup {  // what is not given is as in the options of the optimizer
  Parameters params = {};
  std::optional<double> lr = {}, weight_decay = {};
};
using ParamGroups = std::initializer_list<ParamGroup>;

struct SGDOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;
};
struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool amsgrad = false, maximize = false, decoupled_weight_decay = false;
};
struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 1e-2;
  bool amsgrad = false, maximize = false;
};
struct RMSpropOptions {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  bool centered = false, maximize = false;
};
struct AdagradOptions {
  double lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
  bool maximize = false;
};
struct AdadeltaOptions {
  double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
  bool maximize = false;
};
struct AdamaxOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool maximize = false;
};
struct NAdamOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
  bool decoupled_weight_decay = false, maximize = false;
};
struct ASGDOptions {
  double lr = 1e-2, lambd = 1e-4, alpha = 0.75, t0 = 1e6, weight_decay = 0;
  bool maximize = false;
};
struct RpropOptions {
  double lr = 1e-2;
  std::array<double, 2> etas = {0.5, 1.2}, step_sizes = {1e-6, 50};
  bool maximize = false;
};
struct LBFGSOptions {
  double lr = 1;
  std::int64_t max_iter = 20;
  std::optional<std::int64_t> max_eval = {};  // 5/4 of max_iter
  double tolerance_grad = 1e-7, tolerance_change = 1e-9;
  std::int64_t history_size = 100;
  std::string line_search_fn = {};  // "strong_wolfe", or none: steps of lr
};

struct AdafactorOptions {
  double lr = 1e-2, beta2_decay = -0.8;
  std::pair<std::optional<double>, double> eps = {{}, 1e-3};  // of gradients: none is the machine's; of parameters
  double d = 1, weight_decay = 0;                             // d: the largest root mean square of an update
  bool maximize = false;
};
struct MuonOptions {
  double lr = 1e-3, weight_decay = 0.1, momentum = 0.95;
  bool nesterov = true;
  std::array<double, 3> ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;
  std::int64_t ns_steps = 5;
  std::string adjust_lr_fn = {};  // "original", which is the default, "match_rms_adamw", "spectral_unclamped"
};

struct SparseAdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool maximize = false;
};

class SGD : public Optimizer {
 public:
  explicit SGD(const Parameters& params, SGDOptions options = {});
  SGD(ParamGroups groups, SGDOptions options = {});
};
class Adam : public Optimizer {
 public:
  explicit Adam(const Parameters& params, AdamOptions options = {});
  Adam(ParamGroups groups, AdamOptions options = {});
};
class AdamW : public Optimizer {
 public:
  explicit AdamW(const Parameters& params, AdamWOptions options = {});
  AdamW(ParamGroups groups, AdamWOptions options = {});
};
// Adam of the rows (along the first axis) that a step touches, those whose gradient is not all zero; the others keep
// their values and moments. For tables of embeddings.
class SparseAdam : public Optimizer {
 public:
  explicit SparseAdam(const Parameters& params, SparseAdamOptions options = {});
  SparseAdam(ParamGroups groups, SparseAdamOptions options = {});
};
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(const Parameters& params, RMSpropOptions options = {});
  RMSprop(ParamGroups groups, RMSpropOptions options = {});
};
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(const Parameters& params, AdagradOptions options = {});
  Adagrad(ParamGroups groups, AdagradOptions options = {});
};
class Adadelta : public Optimizer {
 public:
  explicit Adadelta(const Parameters& params, AdadeltaOptions options = {});
  Adadelta(ParamGroups groups, AdadeltaOptions options = {});
};
class Adamax : public Optimizer {
 public:
  explicit Adamax(const Parameters& params, AdamaxOptions options = {});
  Adamax(ParamGroups groups, AdamaxOptions options = {});
};
class NAdam : public Optimizer {
 public:
  explicit NAdam(const Parameters& params, NAdamOptions options = {});
  NAdam(ParamGroups groups, NAdamOptions options = {});
};
class RAdam : public Optimizer {  // without amsgrad
 public:
  explicit RAdam(const Parameters& params, AdamOptions options = {});
  RAdam(ParamGroups groups, AdamOptions options = {});
};
class ASGD : public Optimizer {
 public:
  explicit ASGD(const Parameters& params, ASGDOptions options = {});
  ASGD(ParamGroups groups, ASGDOptions options = {});
};
class Rprop : public Optimizer {
 public:
  explicit Rprop(const Parameters& params, RpropOptions options = {});
  Rprop(ParamGroups groups, RpropOptions options = {});
};
// Second moments of matrices as the product of those of rows and columns; the rate is relative to the parameter.
class Adafactor : public Optimizer {
 public:
  explicit Adafactor(const Parameters& params, AdafactorOptions options = {});
  Adafactor(ParamGroups groups, AdafactorOptions options = {});
};
// Momentum made orthogonal by Newton-Schulz iterations in bfloat16. Matrices alone: the weights of hidden layers.
class Muon : public Optimizer {
 public:
  explicit Muon(const Parameters& params, MuonOptions options = {});
  Muon(ParamGroups groups, MuonOptions options = {});
};
// One group of parameters; steps with a closure.
class LBFGS : public Optimizer {
 public:
  explicit LBFGS(const Parameters& params, LBFGSOptions options = {});
};

// torch.optim.lr_scheduler: scheduler.step() after optimizer.step(). Making one sets the rate of the first step. To go
// on with a schedule: make the optimizer and the scheduler as before, then load the states of both, which are numbers
// by PyTorch's names ("last_epoch", "gamma", "_schedulers.0.last_epoch"); functions and words are those of the new one.
namespace lr_scheduler {
class LRScheduler {
 public:
  void step() const;
  double get_last_lr() const;  // of the first group
  TensorDict state_dict() const;
  void load_state_dict(const TensorDict& state) const;

  const std::shared_ptr<internal::RateScheduler>& impl() const { return impl_; }  // the library's own code

 protected:
  explicit LRScheduler(std::shared_ptr<internal::RateScheduler> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<internal::RateScheduler> impl_;
};
class StepLR : public LRScheduler {
 public:
  StepLR(const Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1);
};
class MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(const Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma = 0.1);
};
class ConstantLR : public LRScheduler {
 public:
  explicit ConstantLR(const Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5);
};
struct LinearOptions {
  double start_factor = 1.0 / 3, end_factor = 1;
  std::int64_t total_iters = 5;
};
class LinearLR : public LRScheduler {
 public:
  explicit LinearLR(const Optimizer& optimizer, LinearOptions options = {});
};
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(const Optimizer& optimizer, double gamma);
};
class PolynomialLR : public LRScheduler {
 public:
  explicit PolynomialLR(const Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1);
};
class CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(const Optimizer& optimizer, std::int64_t t_max, double eta_min = 0);
};
struct WarmRestartsOptions {
  std::int64_t t_mult = 1;
  double eta_min = 0;
};
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(const Optimizer& optimizer, std::int64_t t_0, WarmRestartsOptions options = {});
  using LRScheduler::step;
  void step(double epoch) const;  // to an epoch and a part of it: step(epoch + batch / batches)
};
class LambdaLR : public LRScheduler {  // the initial rate times factor(epoch)
 public:
  LambdaLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor);
};
class MultiplicativeLR : public LRScheduler {  // the rate before times factor(epoch)
 public:
  MultiplicativeLR(const Optimizer& optimizer, std::function<double(std::int64_t)> factor);
};
struct OneCycleOptions {
  std::int64_t total_steps = 0;
  double pct_start = 0.3;
  std::string anneal_strategy = "cos";  // or "linear"
  bool cycle_momentum = true;
  double base_momentum = 0.85, max_momentum = 0.95, div_factor = 25, final_div_factor = 1e4;
  bool three_phase = false;
};
class OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(const Optimizer& optimizer, double max_lr, OneCycleOptions options);
};
struct CyclicOptions {
  std::int64_t step_size_up = 2000;
  std::optional<std::int64_t> step_size_down = {};
  std::string mode = "triangular";  // or "triangular2", "exp_range"
  double gamma = 1;
  bool cycle_momentum = true;
  double base_momentum = 0.8, max_momentum = 0.9;
};
class CyclicLR : public LRScheduler {
 public:
  CyclicLR(const Optimizer& optimizer, double base_lr, double max_lr, CyclicOptions options = {});
};
class SequentialLR : public LRScheduler {  // one after another, each from its milestone on
 public:
  SequentialLR(const Optimizer& optimizer, std::vector<LRScheduler> schedulers, std::vector<std::int64_t> milestones);
};
class ChainedScheduler : public LRScheduler {  // all at every step
 public:
  explicit ChainedScheduler(std::vector<LRScheduler> schedulers);
};
struct PlateauOptions {
  std::string mode = "min";
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4, min_lr = 0;
  std::string threshold_mode = "rel";
  std::int64_t cooldown = 0;
  double eps = 1e-8;
};
class ReduceLROnPlateau {
 public:
  explicit ReduceLROnPlateau(const Optimizer& optimizer, PlateauOptions options = {});
  void step(double metric) const;
  double get_last_lr() const;
  TensorDict state_dict() const;
  void load_state_dict(const TensorDict& state) const;

 private:
  std::shared_ptr<internal::PlateauScheduler> impl_;
};
}  // namespace lr_scheduler
}  // namespace optim

// Scales all gradients so that their common norm is at most max_norm; returns the norm before. Runs what is pending.
double clip_grad_norm_(const Parameters& parameters, double max_norm, double norm_type = 2);
void clip_grad_value_(const Parameters& parameters, double clip_value);

}  // namespace mica
