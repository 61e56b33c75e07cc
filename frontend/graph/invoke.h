// invoke: a call of a layer. On symbolic tensors it is recorded as one Call; otherwise the layer's `call` runs at once,
// on traced or concrete tensors.
#pragma once
#include <string_view>

#include "frontend/graph/value.h"

namespace mica::internal {

// `step` names the call in paths: the layer's name, or "name:1" for the second call in a model; empty: the name.
Tensors invoke(const LayerRef& layer, CallArguments arguments, std::string_view step = {});

// Runs `call` now, within the layer's scope.
Tensors run_inline(const LayerRef& layer, const CallArguments& arguments, std::string_view step = {});

// Makes the weights, once. `where` the shapes do not fit, the layer is left unbuilt.
void ensure_built(const LayerRef& layer, const std::vector<Shape>& shapes);

// The types of the results on inputs of these types, found by tracing `call`.
ir::Types infer_call(const LayerRef& layer, const CallArguments& arguments);

// The arguments of a recorded call, its inputs replaced by `inputs`.
CallArguments arguments_of(const Call& call, const Tensors& inputs);

}  // namespace mica::internal
