// Gradients of values of the running trace, as values of it.
#pragma once
#include "mica/tensor.h"

namespace mica::torch_fixtures {

// d sum(ys * seeds) / d each of xs; zeros where there is no path.
Tensors gradients_in_trace(const Tensors& ys, const Tensors& seeds, const Tensors& xs);

}  // namespace mica::torch_fixtures
