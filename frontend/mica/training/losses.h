// Losses by Keras' names, arguments and defaults, and how compile() takes them.
#pragma once
#include "mica/layer.h"

namespace mica {

namespace internal {
struct LossImpl;  // frontend/training/losses/loss.h
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
  // A class of Keras with any of its options: Loss("Circle", {{"remove_diagonal", false}}).
  Loss(std::string_view class_name, const Config& options);
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
struct FocalOptions {
  bool apply_class_balancing = false;  // of BinaryFocalCrossentropy
  double alpha = 0.25, gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
};
// Of probabilities or logits; the sparse ones take class indices.
class BinaryCrossentropy : public Loss {
 public:
  explicit BinaryCrossentropy(CrossentropyOptions options = {});
};
class BinaryFocalCrossentropy : public Loss {
 public:
  explicit BinaryFocalCrossentropy(FocalOptions options = {});
};
class CategoricalCrossentropy : public Loss {
 public:
  explicit CategoricalCrossentropy(CrossentropyOptions options = {});
};
class CategoricalFocalCrossentropy : public Loss {
 public:
  explicit CategoricalFocalCrossentropy(FocalOptions options = {});
};
class CategoricalGeneralizedCrossEntropy : public Loss {
 public:
  explicit CategoricalGeneralizedCrossEntropy(double q = 0.5, ReductionOptions options = {});
};
class SparseCategoricalCrossentropy : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});
};
// Of numbers.
class MeanSquaredError : public Loss {
 public:
  explicit MeanSquaredError(ReductionOptions options = {});
};
class MeanAbsoluteError : public Loss {
 public:
  explicit MeanAbsoluteError(ReductionOptions options = {});
};
class MeanAbsolutePercentageError : public Loss {
 public:
  explicit MeanAbsolutePercentageError(ReductionOptions options = {});
};
class MeanSquaredLogarithmicError : public Loss {
 public:
  explicit MeanSquaredLogarithmicError(ReductionOptions options = {});
};
class CosineSimilarity : public Loss {
 public:
  explicit CosineSimilarity(int axis = -1, ReductionOptions options = {});
};
class Huber : public Loss {
 public:
  explicit Huber(double delta = 1, ReductionOptions options = {});
};
class KLDivergence : public Loss {
 public:
  explicit KLDivergence(ReductionOptions options = {});
};
class LogCosh : public Loss {
 public:
  explicit LogCosh(ReductionOptions options = {});
};
class Poisson : public Loss {
 public:
  explicit Poisson(ReductionOptions options = {});
};
// Of margins: targets -1 and 1, or 0 and 1.
class Hinge : public Loss {
 public:
  explicit Hinge(ReductionOptions options = {});
};
class SquaredHinge : public Loss {
 public:
  explicit SquaredHinge(ReductionOptions options = {});
};
class CategoricalHinge : public Loss {
 public:
  explicit CategoricalHinge(ReductionOptions options = {});
};
// Of regions, over `axis` or everything.
class Dice : public Loss {
 public:
  explicit Dice(Axes axis = {}, ReductionOptions options = {});
};
class Tversky : public Loss {
 public:
  explicit Tversky(double alpha = 0.5, double beta = 0.5, ReductionOptions options = {});
};
// Labels [batch, length], padded with 0, and logits [batch, steps, classes], whose class 0 is the blank.
class CTC : public Loss {
 public:
  explicit CTC(ReductionOptions options = {});
};
// Labels [batch] and unit embeddings [batch, size].
class Circle : public Loss {
 public:
  explicit Circle(double gamma = 80, double margin = 0.4, ReductionOptions options = {});
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
