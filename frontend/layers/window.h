// What convolutions and poolings share: windows, "same" and "valid", and the channel axis.
#pragma once
#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "frontend/mica/tensor.h"

namespace mica::internal {

using Sizes = std::vector<std::int64_t>;

struct PadSizes {
  ir::Ints low, high;
};

// A channels-last tensor and what its windows still have to pad. `by_elements`: x has padding among its elements.
struct PaddedInput {
  Tensor x;
  PadSizes padding;
  bool by_elements;
};

// Keras' padding of the spatial axes of `x` for windows of `size`: "valid" none; "same" as much as makes the result
// ceil(n / stride) long, the odd element at the end; "causal" all of it at the start. Where the padding depends on an
// open dim, x itself is padded, with elements of value `outside`.
PaddedInput padded_input(const Tensor& x, const std::string& mode, const Sizes& size, const Sizes& strides,
                         const Sizes& dilations, double outside = 0);

// Largest element or mean of each of Keras' windows of a channels-last tensor. Padding is no element.
Tensor pool_windows(const Tensor& x, bool average, const std::string& padding, const Sizes& size, const Sizes& strides);

// The dims between batch and channels of a channels-last tensor.
ir::Dims spatial_dims(const Tensor& x);

// channels_first <-> channels_last; x itself when the format is channels_last.
Tensor channels_to_last(const Tensor& x, const std::string& data_format);
Tensor channels_back(const Tensor& x, const std::string& data_format);

}  // namespace mica::internal
