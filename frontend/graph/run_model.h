// One run of a model: outputs, values of calls, or both, so that a stateful layer goes on once.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frontend/mica/model.h"

namespace mica::internal {

struct RunOptions {
  bool outputs = true;
  std::vector<std::string> taps = {};  // keys of calls as in Model::trace; {"all"}: of every call
  bool training = false;
  std::string precision = {};
  std::optional<std::int64_t> batch_size = {};  // empty: all rows at once
  std::optional<std::int64_t> steps = {};       // the first batches alone
  std::function<void(int batch)> before_batch = {}, after_batch = {};
};

struct NamedResults {
  std::vector<std::string> names;  // outputs by their layers, repeated ones "name:1"; where a tap has the key, the tap
  Tensors values;
  TensorDict by_name() const;
};

NamedResults run_model(const Model& model, const Inputs& x, const RunOptions& options);

}  // namespace mica::internal
