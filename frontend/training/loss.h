// What a Loss is behind its handle.
#pragma once
#include <functional>
#include <string>

#include "frontend/mica/training.h"

namespace mica::internal {

using LossFn = std::function<Tensor(const Tensor& y_true, const Tensor& y_pred)>;

struct LossImpl {
  Described described = {};  // the class and its options; empty for a name or a function
  std::string name;          // "sparse_categorical_crossentropy"
  std::string reduction = "sum_over_batch_size";
  LossFn values;  // one value a sample (or a sample and step); axes before the reduced one stay
  // Targets are class indices along this axis of the prediction: checked against its extent before a step.
  std::optional<int> class_axis = {};
  std::optional<std::int64_t> ignore_class = {};
};

// A loss from what a file says of it: a class and its options.
Loss make_loss(const Described& described);
// One's own functions by the names that they have in files; null when there is none.
void register_loss_function(std::string_view name, LossFn function);
std::shared_ptr<const LossImpl> registered_loss(std::string_view name);

// A loss by Keras' name or alias, or a registered one, null when there is none.
std::shared_ptr<const LossImpl> find_loss(std::string_view name);
std::vector<std::string> loss_names();

// y_true brought to the rank of y_pred where one of them has an extra last axis of 1, and to its dtype.
std::pair<Tensor, Tensor> squeeze_or_expand(const Tensor& y_true, const Tensor& y_pred);

// values, weighted and reduced as Keras' `reduce_weighted_values`; `weight` and `mask` may be undefined.
Tensor reduce_values(const Tensor& values, const std::string& reduction, const Tensor& weight, const Tensor& mask);

// The weighted loss of one output: a scalar.
Tensor loss_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight);

}  // namespace mica::internal
