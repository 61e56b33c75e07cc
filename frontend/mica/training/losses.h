// Losses by Keras' names, arguments and defaults, and how compile() takes them.
#pragma once
#include "mica/layer.h"

namespace mica {

namespace internal {
struct LossImpl;  // frontend/training/loss.h
}  // namespace internal

class Loss;
// A plain function of (y_true, y_pred); a Loss can be called too, but keeps what it knows of itself.
template <class Fn>
concept LossFunction =
    !std::is_base_of_v<Loss, Fn> && std::is_invocable_r_v<Tensor, const Fn&, const Tensor&, const Tensor&>;

// "mse", MeanSquaredError(), or f(y_true, y_pred) giving one value a sample or a scalar.
class Loss {
 public:
  Loss(const char* name);
  Loss(const std::string& name);
  template <LossFunction Fn>
  Loss(Fn fn) : Loss(std::function<Tensor(const Tensor&, const Tensor&)>(std::move(fn)), 0) {}
  // The reduced loss, a scalar. `sample_weight` is one number a sample, or undefined.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;
  const std::string& name() const;
  const internal::LossImpl& impl() const { return *impl_; }  // the library's own code
  static Loss of(std::shared_ptr<const internal::LossImpl> impl) { return Loss(std::move(impl)); }

 protected:
  explicit Loss(std::shared_ptr<const internal::LossImpl> impl) : impl_(std::move(impl)) {}

 private:
  Loss(std::function<Tensor(const Tensor&, const Tensor&)> fn, int);
  std::shared_ptr<const internal::LossImpl> impl_;
};

inline namespace losses {
// reduction: "sum_over_batch_size" (the mean), "sum", "mean_with_sample_weight", "none".
struct ReductionOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
struct SparseCrossentropyOptions {
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
class BinaryCrossentropy : public Loss {
 public:
  explicit BinaryCrossentropy(CrossentropyOptions options = {});
};
class CategoricalCrossentropy : public Loss {
 public:
  explicit CategoricalCrossentropy(CrossentropyOptions options = {});
};
class SparseCategoricalCrossentropy : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});
};
class MeanSquaredError : public Loss {
 public:
  explicit MeanSquaredError(ReductionOptions options = {});
};
class MeanAbsoluteError : public Loss {
 public:
  explicit MeanAbsoluteError(ReductionOptions options = {});
};
}  // namespace losses

// One loss for every output, a list in output order, or {{"output", loss}, …}.
class LossSpec {
 public:
  LossSpec();
  LossSpec(const char* name);
  LossSpec(const Loss& loss);
  template <LossFunction Fn>
  LossSpec(Fn fn) : LossSpec(Loss(std::move(fn))) {}
  LossSpec(std::initializer_list<Loss> per_output);
  LossSpec(std::initializer_list<std::pair<std::string, Loss>> by_name);
  static LossSpec of(std::vector<std::pair<std::string, Loss>> losses);  // the library's own code
  // Names are empty unless the losses were given by name.
  const std::vector<std::pair<std::string, Loss>>& items() const { return losses_; }
  bool is_single() const { return single_; }

 private:
  std::vector<std::pair<std::string, Loss>> losses_;
  bool single_ = false;
};

// {1.0, 0.2} in output order, or {{"priority", 1.0}, {"department", 0.2}}.
class LossWeights {
 public:
  LossWeights();
  LossWeights(std::initializer_list<double> per_output);
  LossWeights(std::initializer_list<std::pair<std::string, double>> by_name);
  static LossWeights of(std::vector<std::pair<std::string, double>> weights);  // the library's own code
  const std::vector<std::pair<std::string, double>>& items() const { return weights_; }

 private:
  std::vector<std::pair<std::string, double>> weights_;
};

}  // namespace mica
