// Gradient checkpointing: values that the backward pass needs are computed once more there instead of being kept.
// Less memory for more arithmetic; no value changes, random ones neither.
//
//   RematScope scope;              // layers made while it lives
//   Tensor y = remat(block)(x);    // one call, in the call of a layer or in a train_step
//
// What is computed inside is one region: of it only what enters and what leaves is kept. A region that is opened inside
// of another belongs to that one.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mica/layer.h"

namespace mica {

struct RematScopeOptions {
  std::int64_t output_size_threshold = 1024;  // "larger_than": elements of a layer's output, an open dim counts as 1
  std::vector<std::string> layer_names = {};  // "list_of_layers"
};

// keras.RematScope. Layers keep the mode of the innermost scope in which they were made; every call of such a layer is
// a region of its own:
//   "full"            all of it
//   "activations"     its activation alone
//   "larger_than"     where its output is larger than the threshold
//   "list_of_layers"  where its name is listed
//   none              no region
// A scope lives on one thread, and ends before those that enclose it.
class RematScope {
 public:
  explicit RematScope(std::optional<std::string> mode = "full", RematScopeOptions options = {});
  ~RematScope();
  RematScope(const RematScope&) = delete;
  RematScope& operator=(const RematScope&) = delete;
};

// keras.remat: the same function, each call of which is a region where a training step is traced: in the call of a
// layer, in a train_step. Elsewhere it is the function as it is. A layer is such a function, too.
std::function<Tensor(const Tensor&)> remat(std::function<Tensor(const Tensor&)> f);
std::function<Tensors(const Tensors&)> remat(std::function<Tensors(const Tensors&)> f);

}  // namespace mica
