// torch.optim.swa_utils: averages of weights over training, and what belongs to them.
#pragma once
#include "mica/layer.h"
#include "mica/optim.h"

namespace mica::optim::swa_utils {

// The new average of a parameter from the average so far, the present value, and how many were averaged; and the same
// for all parameters at once, which it assigns.
using AvgFn = std::function<Tensor(const Tensor& averaged, const Tensor& current, const Tensor& num_averaged)>;
using MultiAvgFn = std::function<void(const Parameters& averaged, const Tensors& current, const Tensor& num_averaged)>;
AvgFn get_swa_avg_fn();  // the plain average
AvgFn get_ema_avg_fn(double decay = 0.999);
MultiAvgFn get_swa_multi_avg_fn();
MultiAvgFn get_ema_multi_avg_fn(double decay = 0.999);

struct AveragedModelOptions {  // at most one of the two; none: the plain average
  AvgFn avg_fn = {};
  MultiAvgFn multi_avg_fn = {};
  bool use_buffers = false;  // averages buffers too; else they are those of the model at the last update
};
// A model with averages of another one's weights, which begin as equal ones; called like that one. Its state_dict()
// names them "module.0.weight". It runs the code of the other one's layers, in lazy code.
class AveragedModel : public Layer {
 public:
  explicit AveragedModel(const Layer& model, AveragedModelOptions options = {});
  void update_parameters(const Layer& model) const;  // the first time: takes the values. Runs nothing.
  std::int64_t n_averaged() const;
};

// What update_bn() does before, in and after its pass.
class BatchNormPass {
 public:
  explicit BatchNormPass(const Layer& model);
  ~BatchNormPass();
  BatchNormPass(const BatchNormPass&) = delete;
  BatchNormPass& operator=(const BatchNormPass&) = delete;
  bool has_work() const;  // whether the model has such layers
  void run(const Tensor& input) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// The running statistics of all nn::BatchNorm layers anew, from one pass over the batches: tensors, or rows whose first
// element is the input.
template <class Loader>
void update_bn(const Loader& loader, const Layer& model) {
  BatchNormPass pass(model);
  if (!pass.has_work()) return;
  for (const auto& batch : loader) {
    if constexpr (std::is_convertible_v<decltype(batch), const Tensor&>) {
      pass.run(batch);
    } else {
      pass.run(std::get<0>(batch));
    }
  }
}

struct SWALROptions {
  std::int64_t anneal_epochs = 10;
  std::string anneal_strategy = "cos";  // or "linear"
};
class SWALR : public lr_scheduler::LRScheduler {  // to a rate that stays
 public:
  SWALR(const Optimizer& optimizer, double swa_lr, SWALROptions options = {});
};

}  // namespace mica::optim::swa_utils
