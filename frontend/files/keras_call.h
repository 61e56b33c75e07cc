// The arguments of one call as files hold them, {"args": […], "kwargs": {…}}: what was called on what.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/graph/operation.h"
#include "frontend/mica/layer.h"

namespace mica::files {

// A tensor as files name it: result `tensor` of call `node` of the layer or operation.
struct TensorName {
  std::string layer;
  std::int64_t node = 0, tensor = 0;
};
// ["conv1", 0, 0]; nothing for another value.
std::optional<TensorName> tensor_name(const Config::Value& value);
// All that the arguments of a call name. `where` is the layer that is called.
std::vector<TensorName> tensor_names(const Config::Value& node, std::string_view where);

using FindTensor = std::function<Tensor(const TensorName&)>;

// Calls the layer as the node says; all results.
Tensors call_layer(const Layer& layer, const Config::Value& node, const FindTensor& find);
// Uses the operation with the options of its config.
Tensors call_operation(const internal::OperationDef& def, const std::string& name, const Config& config,
                       const Config::Value& node, const FindTensor& find);

}  // namespace mica::files
