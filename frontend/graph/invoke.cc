#include "frontend/graph/invoke.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/backward_hooks.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/recurrent.h"
#include "frontend/graph/region.h"
#include "frontend/graph/scope.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {

bool is_symbolic(const Tensor& tensor) { return tensor.defined() && tensor.node()->kind == ValueKind::kSymbolic; }

bool any_symbolic(const CallArguments& arguments) {
  auto any = [](const Tensors& tensors) { return std::any_of(tensors.begin(), tensors.end(), is_symbolic); };
  return any(arguments.tensors) || any(arguments.states) || any(arguments.masks) ||
         std::any_of(arguments.keywords.begin(), arguments.keywords.end(),
                     [](const auto& keyword) { return is_symbolic(keyword.second); });
}

// Masks that were not given are those that travel with the tensors.
void complete_masks(CallArguments& arguments) {
  arguments.masks.resize(arguments.tensors.size());
  for (std::size_t i = 0; i < arguments.tensors.size(); ++i) {
    if (!arguments.masks[i].defined()) arguments.masks[i] = arguments.tensors[i].mask();
  }
}

std::vector<Shape> shapes_of(const Tensors& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

// Whether a layer lies below another one, at any depth: lists of modules are called element by element.
bool lies_below(const CustomLayer& layer, const LayerState& outer) {
  return std::any_of(outer.sublayers.begin(), outer.sublayers.end(), [&](const auto& item) {
    return item.second.impl().get() == &layer || lies_below(layer, state_of(item.second));
  });
}

void check_arguments(const CustomLayer& layer, const CallArguments& arguments) {
  const LayerState& state = state_of(layer);
  for (const Tensor& tensor : arguments.tensors) defined_node(tensor, state.name);
  for (const Tensor& tensor : arguments.states) defined_node(tensor, state.name);
  for (const auto& [name, tensor] : arguments.keywords) defined_node(tensor, state.name);
  const LayerScope* scope = LayerScope::current();
  if (!scope) return;
  const LayerState& outer = state_of(scope->layer());
  if (outer.declares_sublayers && !lies_below(layer, outer)) {
    throw Error({.where = scope->path(),
                 .expected = "calls of layers that it declared",
                 .received = absl::StrCat("a call of \"", state.name, "\""),
                 .hint = "Declare it in the constructor or in build: dense_ = add_layer(\"dense\", Dense(64))."});
  }
}

// The same value with another mask: masks belong to handles' nodes, so a node that others hold is copied.
Tensor with_mask(const Tensor& tensor, const Tensor& mask) {
  ValueRef wanted = mask.defined() ? mask.node() : nullptr;
  const ValueRef& node = tensor.node();
  if (node->mask == wanted) return tensor;
  auto copy = std::make_shared<ValueNode>(*node);
  copy->mask = std::move(wanted);
  if (copy->kind == ValueKind::kPending) copy->producer->copies.push_back(copy);
  return Tensor::of(std::move(copy));
}

Tensor mask_of_results(const CustomLayer& layer, const CallArguments& arguments) {
  if (arguments.tensors.empty()) return {};
  return layer.compute_joint_mask(arguments.tensors, arguments.masks);
}

// How many of the results get the mask: the first, of recurrent layers all outputs.
std::size_t num_masked(const CustomLayer& layer) {
  const auto* recurrent = dynamic_cast<const Recurrent*>(&layer);
  return recurrent ? recurrent->num_outputs() : 1;
}

void add_activity_loss(const LayerState& state, const Tensors& results) {
  Trace* trace = Trace::current();
  if (!trace || !state.activity_regularizer) return;
  for (const Tensor& result : results) {
    Tensor batch = apply("dim", {}, {{"dim", ir::Dims{dims_of(result)[0]}}, {"dtype", kFloat32}});
    trace->add_loss(state.activity_regularizer(result) / batch);
  }
}

Tensors record(const LayerRef& layer, const CallArguments& arguments) {
  const LayerState& state = state_of(*layer);
  BuildGuard guard(*layer);
  auto call = std::make_shared<Call>();
  call->layer = layer;
  call->result_types = infer_call(layer, arguments);
  call->num_tensors = static_cast<int>(arguments.tensors.size());
  call->num_states = static_cast<int>(arguments.states.size());
  call->training = arguments.training;
  call->region = RegionScope::current();
  call->attrs = arguments.options;
  for (const Tensor& tensor : arguments.tensors) call->add_input(tensor.node());
  for (const Tensor& tensor : arguments.states) call->add_input(tensor.node());
  for (std::size_t i = 0; state.takes_mask && i < arguments.masks.size(); ++i) {
    if (!arguments.masks[i].defined()) continue;
    // Layers of several arguments look at the masks that travel when they run.
    bool travels = !state.arguments.empty() && arguments.masks[i].node() == arguments.tensors[i].node()->mask;
    if (travels) continue;
    call->masked.push_back(static_cast<int>(i));
    call->add_input(arguments.masks[i].node());
  }
  for (const auto& [name, tensor] : arguments.keywords) {
    call->keywords.push_back(name);
    call->add_input(tensor.node());
  }
  guard.commit();

  Tensors results = results_of(call, ValueKind::kSymbolic);
  LayerScope scope(*layer, state.name, arguments);  // masks may depend on the options of the call
  Tensor mask = mask_of_results(*layer, arguments);
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].node()->name = state.name;
    if (mask.defined() && i < num_masked(*layer)) results[i].node()->mask = mask.node();
  }
  std::vector<std::weak_ptr<Call>>& calls = state_of(*layer).calls;
  std::erase_if(calls, [](const std::weak_ptr<Call>& other) { return other.expired(); });
  calls.push_back(call);
  return results;
}

// What the layer computes. A subclassed model that is called by nobody else is the whole network: no region.
Tensors compute(const LayerRef& layer, const CallArguments& arguments, bool is_outermost) {
  const ModelState* model = state_of(*layer).model.get();
  const bool is_network = is_outermost && model && !model->graph;
  RegionScope region(!is_network && is_region(layer, arguments) ? std::make_shared<const Region>() : nullptr);
  return layer->call(arguments.tensors);
}

}  // namespace

void ensure_built(const LayerRef& layer, const std::vector<Shape>& shapes) {
  LayerState& state = state_of(*layer);
  if (state.built) return;
  BuildGuard guard(*layer);
  TraceSuspension suspension;
  state.build_shapes = shapes;
  layer->build(shapes);
  state.built = true;
  guard.commit();
}

Tensors run_inline(const LayerRef& layer, const CallArguments& given, std::string_view step) {
  LayerState& state = state_of(*layer);
  CallArguments arguments = given;
  complete_masks(arguments);
  const bool is_outermost = !LayerScope::current();
  LayerScope scope(*layer, step.empty() ? state.name : step, arguments);
  const bool is_lazy = !Trace::current();
  std::shared_ptr<GatedCall> gated;
  if (is_lazy) {
    state.losses.clear();
    arguments.tensors = call_forward_pre_hooks(layer, arguments.tensors);
    for (const Tensor& tensor : arguments.tensors) defined_node(tensor, state.name);
    gated = gate_inputs(layer, arguments.tensors);
  }
  ensure_built(layer, shapes_of(arguments.tensors));
  Tensors results = compute(layer, arguments, is_outermost);
  for (const Tensor& result : results) defined_node(result, scope.path());
  add_activity_loss(state, results);
  Tensor mask = mask_of_results(*layer, arguments);
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i] = with_mask(results[i], i < num_masked(*layer) ? mask : Tensor());
  }
  if (!is_lazy) {
    Trace::current()->show_to_hooks(layer, arguments.tensors, results);
    return results;
  }
  results = call_forward_hooks(layer, arguments.tensors, std::move(results));
  gate_outputs(gated, results);
  return results;
}

ir::Types infer_call(const LayerRef& layer, const CallArguments& arguments) {
  Trace trace({.name = state_of(*layer).name});
  auto placeholder = [&](const Tensor& tensor) { return trace.input(type_of(tensor), ""); };
  CallArguments traced{.options = arguments.options, .training = arguments.training};
  for (const Tensor& tensor : arguments.tensors) traced.tensors.push_back(placeholder(tensor));
  for (const Tensor& tensor : arguments.states) traced.states.push_back(placeholder(tensor));
  for (const Tensor& mask : arguments.masks) traced.masks.push_back(mask.defined() ? placeholder(mask) : Tensor());
  for (const auto& [name, tensor] : arguments.keywords) traced.keywords.emplace_back(name, placeholder(tensor));
  return types_of(run_inline(layer, traced));
}

Tensors invoke(const LayerRef& layer, CallArguments arguments, std::string_view step) {
  check_arguments(*layer, arguments);
  complete_masks(arguments);
  if (!Trace::current() && any_symbolic(arguments)) return record(layer, arguments);
  return run_inline(layer, arguments, step);
}

CallArguments arguments_of(const Call& call, const Tensors& inputs) {
  CallArguments arguments{.options = call.attrs, .training = call.training};
  auto at = inputs.begin();
  arguments.tensors.assign(at, at + call.num_tensors);
  at += call.num_tensors;
  arguments.states.assign(at, at + call.num_states);
  at += call.num_states;
  arguments.masks.resize(arguments.tensors.size());
  for (int tensor : call.masked) arguments.masks[static_cast<std::size_t>(tensor)] = *at++;
  for (const std::string& name : call.keywords) arguments.keywords.emplace_back(name, *at++);
  return arguments;
}

}  // namespace mica::internal
