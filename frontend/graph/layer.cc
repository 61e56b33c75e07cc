// Layer: the handle. What it shows is kept in LayerState; what it does is its CustomLayer's.
#include "frontend/mica/layer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/recurrent.h"
#include "frontend/graph/scope.h"
#include "frontend/graph/trace.h"

namespace mica {

using internal::state_of;

Layer::Layer() = default;

Layer::Layer(std::shared_ptr<CustomLayer> impl) : impl_(std::move(impl)) {
  if (impl_) internal::ensure_named(*impl_);
}

Tensors Layer::apply(const Inputs& inputs, const CallOptions& options) const {
  internal::LayerState& state = state_of(*this);
  internal::CallArguments arguments{.training = options.training};
  arguments.tensors = internal::ordered_inputs(*impl_, inputs);
  arguments.states = options.initial_state;
  if (options.mask.defined()) arguments.masks = {options.mask};
  if (arguments.tensors.empty()) {
    throw Error({.where = state.name, .expected = "a tensor to be called on", .received = "none", .hint = {}});
  }
  return internal::invoke(impl_, std::move(arguments));
}

Tensor Layer::operator()(const Inputs& inputs, const CallOptions& options) const {
  Tensors results = apply(inputs, options);
  if (results.size() == 1) return results[0];
  throw Error({.where = name(),
               .expected = "one result",
               .received = absl::StrCat(results.size(), " results"),
               .hint = absl::StrCat("Take them all: auto [a, b] = ", name(), ".apply<", results.size(), ">(x).")});
}

namespace {

internal::CallRef call_of(const Layer& layer, int index) {
  std::vector<internal::CallRef> calls = state_of(layer).living_calls();
  if (index >= 0 && index < static_cast<int>(calls.size())) return calls[static_cast<std::size_t>(index)];
  throw Error({.where = layer.name(),
               .expected = absl::StrCat("a call number below ", calls.size()),
               .received = absl::StrCat(index),
               .hint = calls.empty() ? "The layer was never called on symbolic tensors, or nobody holds the results."
                                     : "Calls are numbered from 0 in their order."});
}

Tensor only(const Layer& layer, const Tensors& tensors, std::string_view what) {
  if (tensors.size() == 1) return tensors[0];
  throw Error({.where = layer.name(),
               .expected = absl::StrCat("one ", std::string(what)),
               .received = absl::StrCat(tensors.size()),
               .hint = "Use outputs() to get all of them."});
}

}  // namespace

Tensor Layer::input() const {
  internal::CallRef call = call_of(*this, 0);
  Tensors inputs;
  for (int i = 0; i < call->num_tensors; ++i) inputs.push_back(Tensor::of(call->inputs[static_cast<std::size_t>(i)]));
  return only(*this, inputs, "input");
}

Tensor Layer::output() const { return output(0); }
Tensor Layer::output(int call) const { return only(*this, outputs(call), "output"); }
Tensors Layer::outputs(int call) const {
  return internal::results_of(call_of(*this, call), internal::ValueKind::kSymbolic);
}
int Layer::num_calls() const { return static_cast<int>(state_of(*this).living_calls().size()); }

const std::string& Layer::name() const { return state_of(*this).name; }
std::string Layer::class_name() const {
  state_of(*this);
  return impl_->class_name();
}
Config Layer::config() const {
  state_of(*this);
  return impl_->config();
}
bool Layer::built() const { return state_of(*this).built; }
void Layer::build(const Shape& input_shape) const {
  const internal::LayerState& state = state_of(*this);
  internal::CallArguments none;
  internal::LayerScope scope(*impl_, state.name, none);  // layers that are built inside have its name in their paths
  internal::ensure_built(impl_, {input_shape});
  // Only `call` knows which shapes reach the layers inside, so their building follows it once, with no values.
  if (!state.sublayers.empty()) impl_->compute_output_shape(input_shape);
}
Shape Layer::compute_output_shape(const Shape& input_shape) const {
  state_of(*this);
  return impl_->compute_output_shape(input_shape);
}
bool Layer::same_as(const Layer& other) const { return impl_ == other.impl_; }
std::vector<Layer> Layer::layers() const {
  const internal::LayerState& state = state_of(*this);
  if (state.model) return internal::model_layers(*impl_);
  std::vector<Layer> direct;
  for (const auto& [name, layer] : state.sublayers) direct.push_back(layer);
  return direct;
}
Layer::operator bool() const { return impl_ != nullptr; }

Parameters Layer::weights() const {
  state_of(*this);
  return internal::all_weights(*impl_);
}
Parameters Layer::trainable_weights() const {
  state_of(*this);
  return internal::all_weights(*impl_, true);
}
Parameters Layer::non_trainable_weights() const {
  state_of(*this);
  return internal::all_weights(*impl_, false);
}

Variable Layer::weight(std::string_view wanted) const {
  std::string names;
  for (const Variable& weight : weights()) {
    if (weight.cell()->name == wanted || weight.path() == wanted) return weight;
    absl::StrAppend(&names, names.empty() ? "" : ", ", weight.cell()->name);
  }
  throw Error({.where = name(),
               .expected = absl::StrCat("one of its weights: ", names.empty() ? "none" : names),
               .received = absl::StrCat("\"", std::string(wanted), "\""),
               .hint = built() ? "" : "The layer is not built yet; call it once."});
}

Tensors Layer::get_weights() const {
  Tensors values;
  for (const Variable& weight : weights()) values.push_back(Tensor::of(weight.cell()->value()));
  return values;
}

void Layer::set_weights(const Tensors& values) const {
  Parameters all = weights();
  if (values.size() != all.size()) {
    throw Error({.where = name(),
                 .expected = absl::StrCat(all.size(), " weights"),
                 .received = absl::StrCat(values.size()),
                 .hint = built() ? "get_weights() gives them in order." : "The layer is not built yet; call it once."});
  }
  for (std::size_t i = 0; i < all.size(); ++i) {  // all are checked before one is set
    if (all[i].shape() != values[i].shape()) {
      throw Error({.where = all[i].path(),
                   .expected = absl::StrCat("a value of shape ", all[i].shape().to_string()),
                   .received = internal::describe(values[i]),
                   .hint = "get_weights() gives them in order."});
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) all[i].assign(values[i]);
}

std::int64_t Layer::count_params() const {
  std::int64_t count = 0;
  for (const Variable& weight : weights()) count += weight.numel();
  return count;
}

bool Layer::trainable() const { return state_of(*this).trainable; }

void Layer::set_trainable(bool on) const {
  internal::LayerState& state = state_of(*this);
  state.trainable = on;
  for (const auto& [name, layer] : state.sublayers) layer.set_trainable(on);
}

void Layer::reset_states() const {
  state_of(*this);
  if (auto* recurrent = dynamic_cast<internal::Recurrent*>(impl_.get())) recurrent->reset_states();
  for (const Layer& inner : layers()) inner.reset_states();
}

Tensors Layer::losses() const {
  Tensors all;
  for (const Variable& weight : trainable_weights()) {
    if (weight.cell()->regularizer) all.push_back(weight.cell()->regularizer(weight));
  }
  const Tensors& added = state_of(*this).losses;
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

const Layer& Layer::train(bool on) const {
  internal::LayerState& state = state_of(*this);
  state.mode = on;
  for (const auto& [name, layer] : state.sublayers) layer.train(on);
  return *this;
}
const Layer& Layer::eval() const { return train(false); }
bool Layer::is_training() const { return state_of(*this).mode.value_or(false); }

const Layer& Layer::to(const Device& device) const {
  state_of(*this);
  if (device.is_cpu() || device.is_reference()) return *this;
  throw Error({.where = name(),
               .expected = "a device of this machine: cpu",
               .received = device.name(),
               .hint = "cuda_device_count() says how many GPUs can be used."});
}
const Layer& Layer::to(const char* device) const { return to(Device(device)); }
const Layer& Layer::to(const std::string& device) const { return to(Device(device)); }
const Layer& Layer::to(DType dtype) const {
  for (const Variable& weight : weights()) {
    if (weight.dtype().is_floating()) weight.cell()->convert(dtype);
  }
  return *this;
}

void Layer::zero_grad() const {
  for (Variable& variable : weights()) variable.zero_grad();
}
const Layer& Layer::requires_grad_(bool on) const {
  for (Variable& variable : parameters()) variable.requires_grad_(on);
  return *this;
}

}  // namespace mica
