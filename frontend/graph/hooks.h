// Hooks of layers; backward_hooks.h has those of backward(). In lazy code they are called where the layer is called; on
// models that run as one Program after the run, with what they look at as results of it.
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

// A backward hook may give other gradients of the inputs, a backward pre-hook of the outputs; none: they stay.
struct AnyBackwardHook {
  std::function<Tensors(const Layer&, const Tensors& grad_inputs, const Tensors& grad_outputs)> call;
  bool sees_inputs = false;
};
using AnyBackwardPreHook = std::function<Tensors(const Layer&, const Tensors& grad_outputs)>;

struct LayerHooks {
  HookList<AnyForwardHook> forward;
  HookList<AnyForwardPreHook> forward_pre;
  HookList<AnyBackwardHook> backward;
  HookList<AnyBackwardPreHook> backward_pre;
  HookList<Layer::StateDictPreHook> state_dict_pre;
  HookList<Layer::StateDictPostHook> state_dict_post;
  HookList<Layer::LoadStateDictCheckHook> load_state_dict_pre;
  HookList<Layer::LoadStateDictPostHook> load_state_dict_post;

  void remove(std::uint64_t id);
};

// Of lazy code.
Tensors call_forward_pre_hooks(const LayerRef& layer, Tensors inputs);
Tensors call_forward_hooks(const LayerRef& layer, const Tensors& inputs, Tensors outputs);

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
