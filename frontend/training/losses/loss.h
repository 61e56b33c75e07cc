// What a Loss is behind its handle: values of (y_true, y_pred), and how they become one number.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/mica/training.h"

namespace mica::internal {

// One value a sample (or a sample and step); `mask`, where defined, says which of them count.
struct LossValues {
  LossValues(Tensor all, Tensor valid = {}) : values(std::move(all)), mask(std::move(valid)) {}
  Tensor values, mask;
};
using LossFn = std::function<LossValues(const Tensor& y_true, const Tensor& y_pred)>;

enum class Targets {
  kValues,        // one number for each of the prediction
  kClassIndices,  // positions along an axis of the prediction, checked against its extent before a step
  kLabels,        // integers of the loss's own meaning
  kAny,           // one's own function says what
};

struct LossImpl {
  Described described = {};  // the class and its options; empty for a name, class "function" for a function
  std::string name;          // "sparse_categorical_crossentropy"
  std::string reduction = "sum_over_batch_size";
  DType dtype = kFloat32;  // what it is computed in
  LossFn values;           // null for "crossentropy", which the shapes decide
  Targets targets = Targets::kAny;
  int class_axis = -1;  // of Targets::kClassIndices
  std::optional<std::int64_t> ignore_class = {};
};

// A loss from what a file says of it: a class and its options, or a name.
Loss make_loss(const Described& described);
// One's own functions by the names that they have in files; null when there is none.
void register_loss_function(std::string_view name, std::function<Tensor(const Tensor&, const Tensor&)> function);

// A loss by Keras' name of a function or class or its alias, or a registered one; null when there is none.
std::shared_ptr<const LossImpl> find_loss(std::string_view name);
std::vector<std::string> loss_names();

// Itself; of "crossentropy" the one that Keras takes for these shapes.
std::shared_ptr<const LossImpl> loss_for(const std::shared_ptr<const LossImpl>& loss, const Tensor& y_true,
                                         const Tensor& y_pred);
// "binary", "sparse_categorical" or "categorical": Keras' rule for "crossentropy" and "accuracy".
std::string_view kind_of_classes(const Tensor& y_true, const Tensor& y_pred);

// The values of a loss, targets brought to the shape and dtype of the predictions as its kind of targets wants it.
LossValues values_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred);
// The weighted loss of one output, reduced: a scalar, unless the reduction is "none".
Tensor loss_of(const LossImpl& loss, const Tensor& y_true, const Tensor& y_pred, const Tensor& weight);

}  // namespace mica::internal
