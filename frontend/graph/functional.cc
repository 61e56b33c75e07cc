#include "frontend/graph/functional.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/scope.h"
#include "frontend/mica/layers.h"

namespace mica {
namespace internal {
namespace {

void take_options(const CustomLayer& model, const ModelOptions& options, bool mask_aware) {
  LayerState& state = state_of(model);
  state.name = options.name;
  state.trainable = options.trainable;
  state.takes_mask = mask_aware;
  state.declares_sublayers = false;
}

// Lists the layers of the graph below the model, where its weights and modes are looked for.
void adopt_layers(const CustomLayer& model, const std::vector<Layer>& layers) {
  LayerState& state = state_of(model);
  state.sublayers.clear();
  for (const Layer& layer : layers) {
    if (layer.class_name() != "InputLayer") state.sublayers.emplace_back(layer.name(), layer);
  }
}

}  // namespace

FunctionalModel::FunctionalModel(const Inputs& inputs, const Inputs& outputs, ModelOptions options) {
  take_options(*this, options, true);
  ensure_named(*this);
  LayerState& state = state_of(*this);
  state.model->graph = make_model_graph(state.name, inputs, outputs);
  state.built = true;
  adopt_layers(*this, state.model->graph->layers);
}

Tensors FunctionalModel::call(const Tensors& xs) { return forward(*this, xs); }

SequentialModel::SequentialModel(ModelOptions options) { take_options(*this, options, true); }

void SequentialModel::add(const Layer& layer) {
  for (const Layer& other : chain_) {
    if (other.name() != layer.name() || other.same_as(layer)) continue;
    throw Error({.where = state_of(*this).name,
                 .expected = "layers of different names",
                 .received = absl::StrCat("two layers named \"", layer.name(), "\""),
                 .hint = "Name one of them otherwise."});
  }
  chain_.push_back(layer);
  try {
    changed();
  } catch (...) {
    chain_.pop_back();
    changed();
    throw;
  }
}

void SequentialModel::set_input(const Tensor& input) {
  if (!chain_.empty() || input_.defined()) {
    throw Error({.where = state_of(*this).name,
                 .expected = "the Input to be added first and once",
                 .received = "one after other layers",
                 .hint = {}});
  }
  input_ = input;
}

void SequentialModel::pop() {
  if (chain_.empty()) {
    throw Error({.where = state_of(*this).name, .expected = "a layer to take away", .received = "none", .hint = {}});
  }
  chain_.pop_back();
  changed();
}

void SequentialModel::changed() {
  LayerState& state = state_of(*this);
  adopt_layers(*this, chain_);
  state.model->graph.reset();
  state.model->programs.clear();
  state.built = false;
  if (input_.defined() && !chain_.empty()) make_graph();
}

void SequentialModel::make_graph() {
  ScopeSuspension suspension;
  Tensors values{input_};
  for (const Layer& layer : chain_) {
    values = invoke(layer.impl(), {.tensors = values});
  }
  LayerState& state = state_of(*this);
  state.model->graph = make_model_graph(state.name, input_, values.size() == 1 ? Inputs(values[0]) : Inputs(values));
  state.built = true;
}

void SequentialModel::build(const std::vector<Shape>& input_shapes) {
  if (input_.defined() || chain_.empty() || input_shapes.size() != 1 || input_shapes[0].rank() == 0) return;
  const std::vector<std::int64_t>& dims = input_shapes[0].dims();
  input_ = Input(Shape(std::vector<std::int64_t>(dims.begin() + 1, dims.end())));
  make_graph();
}

Tensors SequentialModel::call(const Tensors& xs) {
  if (state_of(*this).model->graph) return forward(*this, xs);
  throw Error({.where = state_of(*this).name,
               .expected = "layers, and one input with a batch axis",
               .received = absl::StrCat(chain_.size(), " layers called on ", xs.size(), " tensors"),
               .hint = "add() layers before the call."});
}

}  // namespace internal

Sequential::Sequential() : Sequential(std::vector<Layer>{}) {}
Sequential::Sequential(std::initializer_list<Layer> layers, ModelOptions options)
    : Sequential(std::vector<Layer>(layers), std::move(options)) {}
Sequential::Sequential(std::initializer_list<Sequential> layers, ModelOptions options)
    : Sequential(std::vector<Layer>(layers.begin(), layers.end()), std::move(options)) {}
Sequential::Sequential(const std::vector<Layer>& layers, ModelOptions options)
    : Model(std::make_shared<internal::SequentialModel>(std::move(options))) {
  for (const Layer& layer : layers) add(layer);
}

namespace {
internal::SequentialModel& chain_of(const Layer& layer) {
  internal::state_of(layer);
  return *layer.get_if<internal::SequentialModel>();
}
}  // namespace

Sequential& Sequential::add(const Layer& layer) {
  internal::state_of(layer);
  chain_of(*this).add(layer);
  return *this;
}
Sequential& Sequential::add(const Tensor& input) {
  chain_of(*this).set_input(input);
  return *this;
}
void Sequential::pop() { chain_of(*this).pop(); }
Layer Sequential::operator[](int index) const { return get_layer(index); }
std::size_t Sequential::size() const { return chain_of(*this).chain().size(); }

}  // namespace mica
