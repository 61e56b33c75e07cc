// Gradient checkpointing: values that the backward pass needs are computed once more there instead of being kept.
// Less memory for more arithmetic. Random values are the same ones; others are equal to rounding, because what is
// computed twice may be fused with other work each time.
//
//   RematScope scope;                               // layers made while it lives
//   Tensor y = remat(block)(x);                     // one call
//   Tensor loss = utils::checkpoint(net, x).sum();  // PyTorch's name
//
// It works alike on symbolic tensors, in the call of a layer, in a train_step and in lazy code.
// What is computed inside is one region: of it only what enters and what leaves is kept. A region that is opened inside
// of another belongs to that one.
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
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

// keras.remat: the same function, each call of which is a region. A layer is such a function, too.
std::function<Tensor(const Tensor&)> remat(std::function<Tensor(const Tensor&)> f);
std::function<Tensors(const Tensors&)> remat(std::function<Tensors(const Tensors&)> f);

namespace internal {

struct Region;  // graph/region.h

// What this thread computes while it lives is of one region. Inside of another one it does nothing: that has all.
class RegionScope {
 public:
  RegionScope();                                           // of a new region
  explicit RegionScope(std::shared_ptr<const Region> of);  // null: of none
  ~RegionScope();
  RegionScope(const RegionScope&) = delete;
  RegionScope& operator=(const RegionScope&) = delete;

  // The region of this thread; null: none.
  static const std::shared_ptr<const Region>& current();

 private:
  bool outermost_;
};

}  // namespace internal

namespace utils {

// torch.utils.checkpoint.checkpoint: calls the function, or the layer, with the arguments; the call is a region.
template <class F, class... Args>
  requires std::invocable<const F&, const Args&...>
auto checkpoint(const F& f, const Args&... args) {
  internal::RegionScope region;
  return f(args...);
}

// torch.utils.checkpoint.checkpoint_sequential: the functions one after the other, in so many segments of equally many,
// each of which is a region; the last segment takes what is left and is kept.
Tensor checkpoint_sequential(const std::vector<Layer>& functions, int segments, const Tensor& x);
// The layers of a Sequential.
Tensor checkpoint_sequential(const Layer& sequential, int segments, const Tensor& x);

}  // namespace utils
}  // namespace mica
