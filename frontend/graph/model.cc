// Model: structure, names, and the layers of a model.
#include "frontend/mica/model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"

namespace mica {
namespace internal {

ModelState& model_state(const Model& model) {
  LayerState& state = state_of(model);
  MICA_CHECK(state.model) << "a Model handle without a model";
  return *state.model;
}

const ModelGraph& model_graph(const Model& model, std::string_view wanted) {
  const ModelState& state = model_state(model);
  if (state.graph) return *state.graph;
  bool sequential = model.get_if<SequentialModel>() != nullptr;
  throw Error({.where = model.name(),
               .expected = absl::StrCat("a model with a graph, for its ", std::string(wanted)),
               .received = sequential ? "one whose input is not known yet" : "a subclassed one",
               .hint = sequential ? "Start it with Input({…}), or call it once."
                                  : "Only functional and sequential models are made of known calls."});
}

std::vector<Layer> model_layers(const CustomLayer& model) {
  if (auto* sequential = dynamic_cast<const SequentialModel*>(&model)) return sequential->chain();
  const LayerState& state = state_of(model);
  if (state.model->graph) return state.model->graph->layers;
  std::vector<Layer> declared;
  for (const auto& [name, layer] : state.sublayers) declared.push_back(layer);
  return declared;
}

Tensors ordered_inputs(const CustomLayer& layer, const Inputs& inputs) {
  const LayerState& state = state_of(layer);
  if (state.model && state.model->graph) return in_order(inputs, state.model->graph->input_names, state.name);
  if (inputs.form() != Inputs::Form::kNamed) return inputs.tensors();
  throw Error({.where = state.name,
               .expected = "a tensor or a list",
               .received = "tensors by name",
               .hint = "Only models know their inputs by name."});
}

}  // namespace internal

CustomModel::CustomModel() { internal::state_of(*this).model = std::make_unique<internal::ModelState>(); }
Model CustomModel::self() const { return Model::of(CustomLayer::self().impl()); }

Model::Model() = default;
Model::Model(const Inputs& inputs, const Inputs& outputs, ModelOptions options)
    : Model(std::make_shared<internal::FunctionalModel>(inputs, outputs, std::move(options))) {}

namespace {

Tensors handles(const std::vector<internal::ValueRef>& nodes) {
  Tensors tensors;
  for (const internal::ValueRef& node : nodes) tensors.push_back(Tensor::of(node));
  return tensors;
}

Tensor only(const Model& model, const Tensors& tensors, std::string_view what) {
  if (tensors.size() == 1) return tensors[0];
  throw Error({.where = model.name(),
               .expected = absl::StrCat("one ", std::string(what)),
               .received = absl::StrCat(tensors.size()),
               .hint = absl::StrCat("Use ", std::string(what), "s() to get all of them.")});
}

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name());
  return names;
}

}  // namespace

Tensors Model::inputs() const { return handles(internal::model_graph(*this, "inputs").inputs); }
Tensors Model::outputs() const { return handles(internal::model_graph(*this, "outputs").outputs); }
Tensor Model::input() const { return only(*this, inputs(), "input"); }
Tensor Model::output() const { return only(*this, outputs(), "output"); }
std::vector<std::string> Model::input_names() const { return internal::model_graph(*this, "input names").input_names; }
std::vector<std::string> Model::output_names() const {
  return internal::model_graph(*this, "output names").output_names;
}

Layer Model::get_layer(std::string_view wanted) const {
  std::vector<Layer> all = layers();
  for (const Layer& layer : all) {
    if (layer.name() == wanted) return layer;
  }
  throw Error({.where = name(),
               .expected = absl::StrCat("the name of one of its layers: ", internal::join(names_of(all))),
               .received = absl::StrCat("\"", std::string(wanted), "\""),
               .hint = {}});
}

Layer Model::get_layer(int index) const {
  std::vector<Layer> all = layers();
  int count = static_cast<int>(all.size()), at = index < 0 ? index + count : index;
  if (at >= 0 && at < count) return all[static_cast<std::size_t>(at)];
  throw Error({.where = name(),
               .expected = absl::StrCat("a layer index below ", count),
               .received = absl::StrCat(index),
               .hint = absl::StrCat("Its layers are ", internal::join(names_of(all)), ".")});
}

namespace {

// Where the results of the call with this key are, in the symbolic DAG. Calls inside a nested model are made visible by
// replaying it on the tensors it was called on.
Tensors results_by_key(const internal::ModelGraph& graph, std::string_view key) {
  std::size_t slash = key.find('/');
  std::string_view step = key.substr(0, slash);
  std::string_view result = {};
  if (std::size_t hash = step.find('#'); slash == std::string_view::npos && hash != std::string_view::npos) {
    result = step.substr(hash + 1);
    step = step.substr(0, hash);
  }
  Tensors found;
  internal::CallRef call;
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    if (graph.steps[i] == step) call = graph.calls[i];
  }
  if (!call) return found;
  if (slash != std::string_view::npos) {
    const auto* nested = call->layer ? internal::state_of(*call->layer).model.get() : nullptr;
    if (!nested || !nested->graph) return found;
    Tensors arguments;
    for (int i = 0; i < call->num_tensors; ++i) {
      arguments.push_back(Tensor::of(call->inputs[static_cast<std::size_t>(i)]));
    }
    std::string_view inner = key.substr(slash + 1);
    internal::replay(*nested->graph, arguments, [&](std::size_t i, const Tensors& results) {
      if (nested->graph->steps[i] == inner) found = results;
    });
    return found;
  }
  found = internal::results_of(call, internal::ValueKind::kSymbolic);
  if (!result.empty()) {
    auto index = static_cast<std::size_t>(result[0] - '0');
    return result.size() == 1 && index < found.size() ? Tensors{found[index]} : Tensors();
  }
  return found;
}

}  // namespace

Model Model::features(const std::vector<std::string>& layers) const {
  const internal::ModelGraph& graph = internal::model_graph(*this, "features");
  Tensors outputs;
  for (const std::string& key : layers) {
    Tensors results = results_by_key(graph, key);
    if (results.empty()) {
      throw Error({.where = name(),
                   .expected = absl::StrCat("the keys of calls in it: ", internal::join(graph.steps)),
                   .received = absl::StrCat("\"", key, "\""),
                   .hint = {}});
    }
    outputs.insert(outputs.end(), results.begin(), results.end());
  }
  return Model(inputs(), outputs, {.name = absl::StrCat(name(), "_features")});
}

int Model::compilations() const {
  internal::ModelState& state = internal::model_state(*this);
  std::lock_guard lock(state.mutex);
  return state.compilations;
}

void clear_session() { internal::reset_names(); }

}  // namespace mica
