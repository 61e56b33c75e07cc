// How the values of a loss or metric, weights and masks become one number: Keras' rules.
#pragma once
#include <string>
#include <utility>

#include "frontend/mica/tensor.h"

namespace mica::internal {

// a and b, where the rank of one is greater by a last axis of 1: a vector gets that axis too, else it is dropped.
// With `expand_vectors` false it is always dropped.
std::pair<Tensor, Tensor> of_equal_rank(const Tensor& a, const Tensor& b, bool expand_vectors = true);

// a / b, and 0 where b is 0.
Tensor divide_no_nan(const Tensor& a, const Tensor& b);

// The number of elements, as a scalar.
Tensor count_of(const Tensor& x, DType dtype);

// Weights beside values of a higher rank: a weight of a sample is that of all its values.
Tensor weights_beside(const Tensor& weight, const Tensor& values);

// Sample weights times a mask; either may be undefined. For the reductions to a mean, valid entries weigh total /
// valid, so that the mean over all is the mean over the valid ones.
Tensor masked_weights(const Tensor& weight, const Tensor& mask, DType dtype, std::string_view reduction);

// Values, weighted and reduced; `weight` and `mask` may be undefined.
Tensor reduce_values(const Tensor& values, std::string_view reduction, const Tensor& weight, const Tensor& mask);

}  // namespace mica::internal
