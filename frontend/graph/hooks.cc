#include "frontend/graph/hooks.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "frontend/graph/layer_state.h"

namespace mica {
namespace internal {
namespace {

std::uint64_t next_hook_id() {
  static std::atomic<std::uint64_t> id{0};
  return ++id;
}

// Where a hook is registered: what its handle removes.
struct HookEntry {
  std::weak_ptr<CustomLayer> layer;
  std::uint64_t id;
};

template <class Fn>
HookHandle registered(const Layer& layer, HookList<Fn> LayerHooks::* list, Fn hook) {
  auto entry = std::make_shared<HookEntry>(HookEntry{layer.impl(), next_hook_id()});
  (state_of(layer).hooks.*list).add(entry->id, std::move(hook));
  return HookHandle(std::move(entry));
}

Tensor only(const Tensors& outputs, const Layer& layer) {
  if (outputs.size() == 1) return outputs[0];
  throw Error({.where = layer.name(),
               .expected = "a hook of a layer with one output",
               .received = absl::StrCat(outputs.size(), " outputs"),
               .hint = "A hook (layer, inputs, outputs) sees them all."});
}

}  // namespace

Tensors call_forward_pre_hooks(const LayerRef& layer, Tensors inputs) {
  for (const auto& [id, hook] : state_of(*layer).hooks.forward_pre.all()) {
    Tensors replacement = hook(Layer::of(layer), inputs);
    if (!replacement.empty()) inputs = std::move(replacement);
  }
  return inputs;
}

Tensors call_forward_hooks(const LayerRef& layer, const Tensors& inputs, Tensors outputs) {
  for (const auto& [id, hook] : state_of(*layer).hooks.forward.all()) {
    Tensors replacement = hook.call(Layer::of(layer), inputs, outputs);
    if (!replacement.empty()) outputs = std::move(replacement);
  }
  return outputs;
}

void LayerHooks::remove(std::uint64_t id) {
  forward.remove(id);
  forward_pre.remove(id);
  backward.remove(id);
  backward_pre.remove(id);
  state_dict_pre.remove(id);
  state_dict_post.remove(id);
  load_state_dict_pre.remove(id);
  load_state_dict_post.remove(id);
}

bool has_forward_hooks(const CustomLayer& layer) {
  const LayerHooks& hooks = state_of(layer).hooks;
  return !hooks.forward.empty() || !hooks.forward_pre.empty();
}

bool hooks_see_inputs(const CustomLayer& layer) {
  const LayerHooks& hooks = state_of(layer).hooks;
  std::vector<std::pair<std::uint64_t, AnyForwardHook>> forward = hooks.forward.all();
  return !hooks.forward_pre.empty() ||
         std::any_of(forward.begin(), forward.end(), [](const auto& hook) { return hook.second.sees_inputs; });
}

void call_hooks_after_run(const std::vector<HookedCall>& calls, std::span<const rt::Array> values) {
  auto take = [&](std::size_t count) {
    Tensors taken;
    for (const rt::Array& value : values.first(count)) taken.push_back(Tensor::of(make_computed(value)));
    values = values.subspan(count);
    return taken;
  };
  for (const HookedCall& call : calls) {
    Tensors inputs = take(call.num_inputs), outputs = take(call.num_outputs);
    LayerRef layer = call.layer.lock();
    if (!layer) continue;
    call_forward_pre_hooks(layer, inputs);
    call_forward_hooks(layer, inputs, std::move(outputs));
  }
}

std::string hooks_key(const CustomLayer& model) {
  std::string key;
  std::vector<const CustomLayer*> layers{&model};
  while (!layers.empty()) {
    const CustomLayer& layer = *layers.back();
    layers.pop_back();
    if (has_forward_hooks(layer))
      absl::StrAppend(&key, hooks_see_inputs(layer) ? "+hooks with inputs " : "+hooks ", state_of(layer).name);
    for (const auto& [name, sublayer] : state_of(layer).sublayers) layers.push_back(sublayer.impl().get());
  }
  return key;
}

}  // namespace internal

using internal::LayerHooks;
using internal::registered;

HookHandle::HookHandle(std::shared_ptr<void> state) : state_(std::move(state)) {}

void HookHandle::remove() {
  auto entry = std::static_pointer_cast<internal::HookEntry>(std::exchange(state_, nullptr));
  auto layer = entry ? entry->layer.lock() : nullptr;
  if (!layer) return;
  internal::state_of(*layer).hooks.remove(entry->id);
}

HookHandle Layer::register_forward_hook(ForwardHook hook) const {
  auto of_one = [hook = std::move(hook)](const Layer& layer, const Tensors&, const Tensors& outputs) {
    hook(layer, internal::only(outputs, layer));
    return Tensors();
  };
  return registered(*this, &LayerHooks::forward, internal::AnyForwardHook{std::move(of_one)});
}

HookHandle Layer::register_forward_hook(ForwardIOHook hook) const {
  auto of_all = [hook = std::move(hook)](const Layer& layer, const Tensors& inputs, const Tensors& outputs) {
    hook(layer, inputs, outputs);
    return Tensors();
  };
  return registered(*this, &LayerHooks::forward, internal::AnyForwardHook{std::move(of_all), /*sees_inputs=*/true});
}

HookHandle Layer::register_replacing_hook(std::function<Tensor(const Layer&, const Tensor&)> hook) const {
  auto replacing = [hook = std::move(hook)](const Layer& layer, const Tensors&, const Tensors& outputs) {
    Tensor replacement = hook(layer, internal::only(outputs, layer));
    return replacement.defined() ? Tensors{replacement} : Tensors();
  };
  return registered(*this, &LayerHooks::forward, internal::AnyForwardHook{std::move(replacing)});
}

HookHandle Layer::register_forward_pre_hook(ForwardPreHook hook) const {
  return register_replacing_pre_hook([hook = std::move(hook)](const Layer& layer, const Tensors& inputs) {
    hook(layer, inputs);
    return Tensors();
  });
}

HookHandle Layer::register_replacing_pre_hook(std::function<Tensors(const Layer&, const Tensors&)> hook) const {
  auto replacing = [hook = std::move(hook)](const Layer& layer, const Tensors& inputs) {
    Tensors replacement = hook(layer, inputs);
    if (!replacement.empty() && replacement.size() != inputs.size()) {
      throw Error({.where = layer.name(),
                   .expected = absl::StrCat("a pre-hook that gives as many tensors as it gets, ", inputs.size()),
                   .received = absl::StrCat(replacement.size()),
                   .hint = {}});
    }
    return replacement;
  };
  return registered(*this, &LayerHooks::forward_pre, internal::AnyForwardPreHook(std::move(replacing)));
}

HookHandle Layer::register_full_backward_pre_hook(BackwardPreHook hook) const {
  return register_replacing_backward_pre_hook([hook = std::move(hook)](const Layer& layer, const Tensors& grads) {
    hook(layer, grads);
    return Tensors();
  });
}

HookHandle Layer::register_replacing_backward_pre_hook(
    std::function<Tensors(const Layer&, const Tensors&)> hook) const {
  return registered(*this, &LayerHooks::backward_pre, internal::AnyBackwardPreHook(std::move(hook)));
}

HookHandle Layer::register_full_backward_hook(BackwardHook hook) const {
  auto of_outputs = [hook = std::move(hook)](const Layer& layer, const Tensors&, const Tensors& grad_outputs) {
    hook(layer, grad_outputs);
    return Tensors();
  };
  return registered(*this, &LayerHooks::backward, internal::AnyBackwardHook{std::move(of_outputs)});
}

HookHandle Layer::register_full_backward_hook(BackwardIOHook hook) const {
  return register_replacing_backward_hook(
      [hook = std::move(hook)](const Layer& layer, const Tensors& grad_inputs, const Tensors& grad_outputs) {
        hook(layer, grad_inputs, grad_outputs);
        return Tensors();
      });
}

HookHandle Layer::register_replacing_backward_hook(
    std::function<Tensors(const Layer&, const Tensors&, const Tensors&)> hook) const {
  return registered(*this, &LayerHooks::backward, internal::AnyBackwardHook{std::move(hook), /*sees_inputs=*/true});
}

HookHandle Layer::register_state_dict_pre_hook(StateDictPreHook hook) const {
  return registered(*this, &LayerHooks::state_dict_pre, std::move(hook));
}

HookHandle Layer::register_state_dict_post_hook(StateDictPostHook hook) const {
  return registered(*this, &LayerHooks::state_dict_post, std::move(hook));
}

HookHandle Layer::register_load_state_dict_pre_hook(LoadStateDictPreHook hook) const {
  return register_load_state_dict_pre_hook([hook = std::move(hook)](const Layer& layer, TensorDict& state,
                                                                    const std::string& prefix, bool, auto&, auto&,
                                                                    auto&) { hook(layer, state, prefix); });
}

HookHandle Layer::register_load_state_dict_pre_hook(LoadStateDictCheckHook hook) const {
  return registered(*this, &LayerHooks::load_state_dict_pre, std::move(hook));
}

HookHandle Layer::register_load_state_dict_post_hook(LoadStateDictPostHook hook) const {
  return registered(*this, &LayerHooks::load_state_dict_post, std::move(hook));
}

}  // namespace mica
