// Functional and sequential models from their configs.
#pragma once
#include "frontend/mica/model.h"

namespace mica::files {

// The config of a Functional: layers with the calls that were made of them, inputs and outputs. The calls are made
// again, operands before users. Errors name the layer: unknown sources, cycles, indices out of range.
Model read_functional(const Config& config);

Model read_sequential(const Config& config);

// The tensor that an InputLayer makes.
Tensor read_input(const Config& config);

}  // namespace mica::files
