// Optimizers and schedules of the learning rate by Keras' names, arguments and defaults.
#pragma once
#include "mica/layer.h"

namespace mica {

namespace internal {
class OptimizerImpl;  // frontend/training/optimizer.h
}  // namespace internal

// A number, or f(step) built from tensor operations.
class LearningRate {
 public:
  LearningRate(double constant);
  LearningRate(std::function<Tensor(const Tensor& step)> schedule);
  double at(std::int64_t step) const;
  bool is_constant() const { return !fn_; }

 private:
  double constant_ = 0;
  std::function<Tensor(const Tensor&)> fn_;
};

// "adam", Adam(1e-3). A handle: copies share iterations and slots.
class Optimizer {
 public:
  Optimizer(const char* name);
  Optimizer(const std::string& name);
  double lr() const;
  void set_lr(double lr) const;
  // One step with these gradients.
  void apply(const Tensors& grads, const Parameters& variables) const;
  Parameters variables() const;  // the slots: "dense/kernel/momentum", …
  std::int64_t iterations() const;
  internal::OptimizerImpl& impl() const { return *impl_; }  // the library's own code

 protected:
  explicit Optimizer(std::shared_ptr<internal::OptimizerImpl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<internal::OptimizerImpl> impl_;
};
inline namespace optimizers {
struct SGDOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};
struct RMSpropOptions {
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  std::string name = {};
};
struct AdamOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0;
  std::optional<double> clipnorm = {}, clipvalue = {}, global_clipnorm = {};
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
  explicit AdamW(LearningRate learning_rate = 0.001, AdamOptions options = {.weight_decay = 0.004});
};
}  // namespace optimizers

}  // namespace mica
