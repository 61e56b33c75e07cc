// Keras' optimizers by their names, arguments and defaults.
#pragma once
#include "mica/training/schedules.h"

namespace mica {

namespace internal {
class OptimizerImpl;       // frontend/training/optimizer.h
class ParameterOptimizer;  // frontend/training/optim/parameter_optimizer.h
}  // namespace internal
namespace optim {
struct ParamGroup;  // mica/optim.h
}

class CustomOptimizer;

// Keras: "adam", Adam(1e-3). PyTorch: optim::Adam(net.parameters(), {.lr = 1e-3}). A handle: copies share their state.
// Methods of the other side throw Error.
class Optimizer {
 public:
  Optimizer(const char* name);
  Optimizer(const std::string& name);
  static Optimizer of(std::shared_ptr<CustomOptimizer> object);
  double lr() const;             // of the next step; of the first group
  void set_lr(double lr) const;  // of all groups; Error where a schedule of Keras sets it

  // PyTorch's side: what backward() left in grad() of the parameters.
  void zero_grad() const;
  void step() const;  // runs what is pending
  // LBFGS: the closure computes the loss anew, with gradients. Returns the first loss.
  Tensor step(const std::function<Tensor()>& closure) const;
  void add_param_group(const optim::ParamGroup& group) const;
  TensorDict state_dict() const;  // "state.0.exp_avg", "param_groups.0.lr"
  void load_state_dict(const TensorDict& state) const;

  // Keras' side: one step with these gradients.
  void apply(const Tensors& grads, const Parameters& variables) const;
  // Keras' optimizer.variables: "adam/iteration", "adam/learning_rate", then the slots, "adam/dense_kernel_momentum".
  Parameters variables() const;
  std::int64_t iterations() const;
  // No weight decay for these variables, nor for those in whose name one of the regular expressions is found ("bias").
  void exclude_from_weight_decay(const Parameters& variables, const std::vector<std::string>& names = {}) const;

  // The library's own code; Error when the optimizer is of the other side.
  internal::OptimizerImpl& impl() const;
  internal::ParameterOptimizer& parameter_optimizer() const;

 protected:
  explicit Optimizer(std::shared_ptr<internal::OptimizerImpl> impl) : impl_(std::move(impl)) {}
  explicit Optimizer(std::shared_ptr<internal::ParameterOptimizer> impl) : parameter_optimizer_(std::move(impl)) {}

 private:
  std::shared_ptr<internal::OptimizerImpl> impl_;  // Keras', or
  std::shared_ptr<internal::ParameterOptimizer> parameter_optimizer_;
};

// What every optimizer of Keras takes. Only one of clipnorm, clipvalue and global_clipnorm may be given.
#define MICA_OPTIMIZER_OPTIONS(default_weight_decay)                         \
  double weight_decay = default_weight_decay;                                \
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {}; \
  bool use_ema = false;                                                      \
  double ema_momentum = 0.99;                                                \
  std::optional<std::int64_t> ema_overwrite_frequency = {};                  \
  std::optional<double> loss_scale_factor = {};                              \
  std::optional<std::int64_t> gradient_accumulation_steps = {};              \
  std::string name = {};

inline namespace optimizers {
struct SGDOptions {
  double momentum = 0;
  bool nesterov = false;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct RMSpropOptions {
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct AdamWOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  MICA_OPTIMIZER_OPTIONS(0.004)
};
struct AdamOptions {  // amsgrad: Adam and AdamW only
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  MICA_OPTIMIZER_OPTIONS(0)
  operator AdamWOptions() const;
};
struct AdagradOptions {
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct AdadeltaOptions {
  double rho = 0.95, epsilon = 1e-7;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct AdafactorOptions {
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1;
  bool relative_step = true;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct FtrlOptions {
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1, l1_regularization_strength = 0,
         l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0, beta = 0;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct LionOptions {
  double beta_1 = 0.9, beta_2 = 0.99;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct MuonOptions {
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  std::vector<std::string> exclude_layers = {};  // regular expressions: what they are found in is Adam's
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.7750, muon_c = 2.0315, adam_lr_ratio = 1, momentum = 0.95;
  std::int64_t ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
  MICA_OPTIMIZER_OPTIONS(0.004)
};
struct ScheduleFreeAdamWOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  std::int64_t warmup_steps = 0;
  MICA_OPTIMIZER_OPTIONS(0)
};
struct LossScaleOptions {
  double initial_scale = 32768;
  std::int64_t dynamic_growth_steps = 2000;
  std::string name = {};
};

class SGD : public Optimizer {
 public:
  explicit SGD(LearningRate learning_rate = 0.01, SGDOptions options = {});
};
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(LearningRate learning_rate = 0.001, RMSpropOptions options = {});
};
class Adam : public Optimizer {
 public:
  explicit Adam(LearningRate learning_rate = 0.001, AdamOptions options = {});
};
class AdamW : public Optimizer {
 public:
  explicit AdamW(LearningRate learning_rate = 0.001, AdamWOptions options = {});
};
class Nadam : public Optimizer {
 public:
  explicit Nadam(LearningRate learning_rate = 0.001, AdamOptions options = {});
};
class Adamax : public Optimizer {
 public:
  explicit Adamax(LearningRate learning_rate = 0.001, AdamOptions options = {});
};
class Lamb : public Optimizer {
 public:
  explicit Lamb(LearningRate learning_rate = 0.001, AdamOptions options = {});
};
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(LearningRate learning_rate = 0.001, AdagradOptions options = {});
};
class Adadelta : public Optimizer {
 public:
  explicit Adadelta(LearningRate learning_rate = 0.001, AdadeltaOptions options = {});
};
class Adafactor : public Optimizer {
 public:
  explicit Adafactor(LearningRate learning_rate = 0.001, AdafactorOptions options = {});
};
class Ftrl : public Optimizer {
 public:
  explicit Ftrl(LearningRate learning_rate = 0.001, FtrlOptions options = {});
};
class Lion : public Optimizer {
 public:
  explicit Lion(LearningRate learning_rate = 0.001, LionOptions options = {});
};
// Matrices by orthogonalised momentum; vectors, higher ranks, embeddings and exclude_layers by AdamW.
class Muon : public Optimizer {
 public:
  explicit Muon(LearningRate learning_rate = 0.001, MuonOptions options = {});
};
class ScheduleFreeAdamW : public Optimizer {
 public:
  explicit ScheduleFreeAdamW(LearningRate learning_rate = 0.0025, ScheduleFreeAdamWOptions options = {});
};
// Multiplies the loss so that gradients of low precision do not vanish, divides the gradients again, and skips a step
// whose gradients are not finite. The scale doubles after dynamic_growth_steps good steps and halves after a bad one.
class LossScaleOptimizer : public Optimizer {
 public:
  explicit LossScaleOptimizer(const Optimizer& inner_optimizer, LossScaleOptions options = {});
};

// Of a rule of one's own.
struct OptimizerOptions {
  MICA_OPTIMIZER_OPTIONS(0)
};
}  // namespace optimizers
#undef MICA_OPTIMIZER_OPTIONS

// Derive, then create with make<T>(…): an update rule of one's own, beside what every optimizer does (clipping, weight
// decay, averages, accumulation, schedules, files).
class CustomOptimizer {
 public:
  explicit CustomOptimizer(LearningRate learning_rate = 0.001, OptimizerOptions options = {});
  virtual ~CustomOptimizer() = default;
  // The slots of each variable: of its shape and dtype, zero at first.
  virtual std::vector<std::string> slot_names() const { return {}; }
  // Assigns the variable and its slots, which stand in the order of slot_names(). `learning_rate` and `iteration`,
  // which counts from 1, are scalars of the variable's dtype.
  virtual void update_step(const Tensor& gradient, Variable variable, Parameters slots, const Tensor& learning_rate,
                           const Tensor& iteration) = 0;
  // The class's own options: what from_config() of a class that is registered for files makes it from. Those of every
  // optimizer are kept beside.
  virtual Config config() const { return {}; }

 private:
  friend class Optimizer;
  LearningRate learning_rate_;
  OptimizerOptions options_;
};

}  // namespace mica
