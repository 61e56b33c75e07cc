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

// Keras' padding of `spatial` axes for windows of `size`: "valid" none; "same" as much as makes the result
// ceil(n / stride) long, the odd element at the end; "causal" all of it at the start. Where a dim is open, a stride
// above 1 is Error: the padding would depend on it. `where` names the layer.
PadSizes padding_of(const std::string& mode, const ir::Dims& spatial, const Sizes& size, const Sizes& strides,
                    const Sizes& dilations, const std::string& where);

// The dims between batch and channels of a channels-last tensor.
ir::Dims spatial_dims(const Tensor& x);

// channels_first <-> channels_last; x itself when the format is channels_last.
Tensor channels_to_last(const Tensor& x, const std::string& data_format);
Tensor channels_back(const Tensor& x, const std::string& data_format);

}  // namespace mica::internal
