// Hooks of layers. In lazy code they are called where the layer is called; on models that run as one Program after the
// run, with what they look at as results of it.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/graph/value.h"
#include "frontend/mica/layer.h"

namespace mica::internal {

// Hooks of one kind, in order of registration.
template <class Fn>
class HookList {
 public:
  void add(std::uint64_t id, Fn hook) { hooks_.emplace_back(id, std::move(hook)); }
  void remove(std::uint64_t id) {
    std::erase_if(hooks_, [&](const auto& hook) { return hook.first == id; });
  }
  bool empty() const { return hooks_.empty(); }
  // A copy: hooks may add and remove hooks.
  std::vector<std::pair<std::uint64_t, Fn>> all() const { return hooks_; }

 private:
  std::vector<std::pair<std::uint64_t, Fn>> hooks_;
};

// A forward hook may give other outputs; none: they stay.
struct AnyForwardHook {
  std::function<Tensors(const Layer&, const Tensors& inputs, const Tensors& outputs)> call;
  bool sees_inputs = false;
};

// A pre-hook may give other inputs; none: they stay.
using AnyForwardPreHook = std::function<Tensors(const Layer&, const Tensors& inputs)>;

struct LayerHooks {
  HookList<AnyForwardHook> forward;
  HookList<AnyForwardPreHook> forward_pre;
  HookList<Layer::BackwardHook> backward;
};

// Of lazy code.
Tensors call_forward_pre_hooks(const LayerRef& layer, Tensors inputs);
Tensors call_forward_hooks(const LayerRef& layer, const Tensors& inputs, Tensors outputs);
// Notes that backward() is to show the gradients of these results, where the layer has hooks for that.
void watch_gradients(const LayerRef& layer, const Tensors& outputs);

struct WatchedCall {
  LayerRef layer;
  std::vector<ValueRef> results;
};
// The watched calls among `calls`, those nearest to the end first.
std::vector<WatchedCall> watched_calls(const std::vector<CallRef>& calls);
void call_backward_hooks(const std::vector<WatchedCall>& watched, std::span<const Tensor> gradients);

// Of models that run as one Program: what the hooks of one call of a layer look at. The results of the Program end with
// these values, call after call, inputs before outputs.
struct HookedCall {
  std::weak_ptr<CustomLayer> layer;
  std::size_t num_inputs = 0, num_outputs = 0;
};
bool has_forward_hooks(const CustomLayer& layer);
bool hooks_see_inputs(const CustomLayer& layer);
void call_hooks_after_run(const std::vector<HookedCall>& calls, std::span<const rt::Array> values);

// The layers of a model that have forward hooks, for the keys of its Programs: empty where there are none.
std::string hooks_key(const CustomLayer& model);

}  // namespace mica::internal
