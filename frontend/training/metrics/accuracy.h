// How often predictions are right.
#pragma once
#include "frontend/mica/tensor.h"

namespace mica::internal {

// Keras' rule for the string "accuracy": of two classes, of class indices or of one-hot targets, by the shapes.
Tensor accuracy_by_shape(const Tensor& y_true, const Tensor& y_pred);

}  // namespace mica::internal
