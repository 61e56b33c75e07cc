#include "frontend/graph/backward_hooks.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/autograd.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/pending.h"

namespace mica::internal {
namespace {

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> sequence{0};
  return ++sequence;
}

// Puts copies in the places of the values that gradients flow through.
std::shared_ptr<GradientGate> put_gate(const std::shared_ptr<GatedCall>& call, bool at_inputs, Tensors& values) {
  auto gate = std::make_shared<GradientGate>();
  gate->call = call;
  gate->at_inputs = at_inputs;
  gate->sequence = next_sequence();
  for (Tensor& value : values) {
    gate->originals.emplace_back();
    gate->copies.emplace_back();
    if (!value.defined() || !value.requires_grad()) continue;
    ValueRef original = current_value(value.node());
    ValueRef copy = detached(original);
    copy->mask = original->mask;
    copy->requires_grad = true;
    copy->gate = gate;
    gate->originals.back() = Tensor::of(std::move(original));
    gate->copies.back() = copy;
    value = Tensor::of(std::move(copy));
  }
  return gate;
}

// What a hook gives in the place of gradients; nothing: they stay.
void replace(const LayerRef& layer, Tensors& gradients, Tensors given) {
  if (given.empty()) return;
  if (given.size() != gradients.size()) {
    throw Error(
        {.where = state_of(*layer).name,
         .expected = absl::StrCat("a backward hook that gives as many gradients as it gets, ", gradients.size()),
         .received = absl::StrCat(given.size()),
         .hint = {}});
  }
  gradients = std::move(given);
}

// At the outputs: the pre-hooks, and the hooks that look at no inputs, or all where no input has a gradient.
void call_output_hooks(GatedCall& call, Tensors& gradients) {
  LayerRef layer = call.layer.lock();
  if (!layer) return;
  const LayerHooks& hooks = state_of(*layer).hooks;
  for (const auto& [id, hook] : hooks.backward_pre.all()) replace(layer, gradients, hook(Layer::of(layer), gradients));
  call.grad_outputs = gradients;
  Tensors none;
  none.resize(call.num_inputs);
  for (const auto& [id, hook] : hooks.backward.all()) {
    if (hook.sees_inputs && call.has_input_gate) continue;
    Tensors given = hook.call(Layer::of(layer), none, gradients);
    if (std::none_of(given.begin(), given.end(), [](const Tensor& tensor) { return tensor.defined(); })) continue;
    throw Error({.where = state_of(*layer).name,
                 .expected = "a backward hook that gives nothing, for no input requires a gradient",
                 .received = absl::StrCat(given.size(), " gradients"),
                 .hint = {}});
  }
}

void call_input_hooks(GatedCall& call, Tensors& gradients) {
  LayerRef layer = call.layer.lock();
  if (!layer || call.grad_outputs.empty()) return;  // of second derivatives: they did not come through the outputs
  for (const auto& [id, hook] : state_of(*layer).hooks.backward.all()) {
    if (hook.sees_inputs) replace(layer, gradients, hook.call(Layer::of(layer), gradients, call.grad_outputs));
  }
  call.grad_outputs.clear();
}

void check_shape(const GradientGate& gate, const Tensor& original, const Tensor& gradient) {
  if (gradient.shape() == original.shape()) return;
  LayerRef layer = gate.call ? gate.call->layer.lock() : nullptr;
  throw Error(
      {.where = layer ? state_of(*layer).name : "backward",
       .expected = absl::StrCat("a backward hook that gives a gradient of shape ", original.shape().to_string()),
       .received = describe(gradient),
       .hint = {}});
}

}  // namespace

std::shared_ptr<GatedCall> gate_inputs(const LayerRef& layer, Tensors& inputs) {
  const LayerHooks& hooks = state_of(*layer).hooks;
  if ((hooks.backward.empty() && hooks.backward_pre.empty()) || !grad_enabled()) return nullptr;
  auto call = std::make_shared<GatedCall>();
  call->layer = layer;
  call->num_inputs = inputs.size();
  const auto backward = hooks.backward.all();
  call->has_input_gate =
      any_requires_grad(inputs) &&
      std::any_of(backward.begin(), backward.end(), [](const auto& hook) { return hook.second.sees_inputs; });
  if (call->has_input_gate) put_gate(call, /*at_inputs=*/true, inputs);
  return call;
}

void gate_outputs(const std::shared_ptr<GatedCall>& call, Tensors& outputs) {
  if (call && any_requires_grad(outputs)) put_gate(call, /*at_inputs=*/false, outputs);
}

void GateQueue::arrive(const ValueRef& copy, const Tensor& gradient) {
  const std::shared_ptr<GradientGate>& gate = copy->gate;
  if (std::find(own_.begin(), own_.end(), gate) != own_.end()) return;
  Arrived& arrived = arrived_[gate->sequence];
  if (!arrived.gate) {
    arrived.gate = gate;
    arrived.gradients.resize(gate->originals.size());
  }
  for (std::size_t i = 0; i < gate->copies.size(); ++i) {
    if (gate->copies[i].lock() != copy) continue;
    Tensor& sum = arrived.gradients[i];
    sum = sum.defined() ? sum + gradient : gradient;
  }
}

// Gradients lead to the copies they were taken by, which hold their gates: nothing of them stays behind.
GateQueue::~GateQueue() {
  for (const auto& call : passed_) call->grad_outputs.clear();
}

Tensors GateQueue::constants(Tensors gradients) {
  if (create_graph_) {
    own_.push_back(put_gate(nullptr, /*at_inputs=*/false, gradients));
    return gradients;
  }
  for (Tensor& gradient : gradients) {
    if (gradient.defined()) gradient = gradient.detach();
  }
  return gradients;
}

Tensor GateQueue::next() {
  while (!arrived_.empty()) {
    auto [gate, gradients] = std::move(std::prev(arrived_.end())->second);
    arrived_.erase(std::prev(arrived_.end()));
    if (gate->call) {
      passed_.push_back(gate->call);
      gate->at_inputs ? call_input_hooks(*gate->call, gradients) : call_output_hooks(*gate->call, gradients);
    }
    GradMode mode(true);
    gradients = constants(std::move(gradients));
    Tensor total;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const Tensor& original = gate->originals[i];
      if (!original.defined() || !gradients[i].defined()) continue;
      check_shape(*gate, original, gradients[i]);
      Tensor part = (original * gradients[i]).sum();
      total = total.defined() ? total + part : part;
    }
    if (total.defined()) return total;
  }
  return {};
}

}  // namespace mica::internal
