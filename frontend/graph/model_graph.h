// ModelGraph: the part of the DAG between a model's inputs and outputs, in Keras' order.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "frontend/graph/value.h"
#include "frontend/mica/layer.h"

namespace mica::internal {

// A row of a model's table: a layer with its calls in this model, or one operation.
struct ModelStep {
  Layer layer;                     // empty for an operation
  std::vector<std::size_t> calls;  // indices into ModelGraph::calls; none for an InputLayer
};

struct ModelGraph {
  // How inputs and outputs were given, with their numbers in place: 0, [0,1] or {"title":0,"body":1}; files may nest.
  Config::Value input_structure, output_structure;
  std::vector<ValueRef> inputs, outputs;
  std::vector<std::string> input_names, output_names;  // an output is named after its layer unless it was given a name
  // Layer calls and operations, operands before users: deeper ones first, then in order of the walk from the outputs.
  // That order is the summary's and the one of weight files. InputLayers are left out.
  std::vector<CallRef> calls;
  std::vector<std::string> steps;  // of each call: "conv1", the second call of a layer "conv1:1"
  std::vector<ModelStep> table;    // in the same order, every layer once, InputLayers too
  std::vector<Layer> layers;       // those of the table
};

// Errors name the model: disconnected or repeated inputs, two layers of one name, tensors that are not symbolic.
ModelGraph make_model_graph(std::string_view model, const Inputs& inputs, const Inputs& outputs);

// Runs the calls on other inputs, in the order of ModelGraph::inputs, of any kind: traced, concrete or symbolic.
Tensors replay(const ModelGraph& graph, const Tensors& arguments);
// The same; `seen` is told of every call's results.
using CallSeen = std::function<void(std::size_t call, const Tensors& results)>;
Tensors replay(const ModelGraph& graph, const Tensors& arguments, const CallSeen& seen);

// The same with another layer in the place of each. On symbolic tensors operations keep their names.
using LayerFor = std::function<Layer(const Layer&)>;
Tensors replay_with(const ModelGraph& graph, const Tensors& arguments, const LayerFor& layer_for);

// Arguments fit for replay: cast to the inputs' dtypes, a trailing axis of 1 added or dropped as Keras does. Error,
// naming the input, where shapes differ.
Tensors fit_arguments(const ModelGraph& graph, const Tensors& arguments, std::string_view model);

// Keras' name of the first call of a layer or operation: what an output is called.
std::string name_of_producer(const Call& call);
// Keras' class of the layer or operation: "Dense", "Add".
std::string class_of(const Call& call);
// What dumps call a value of the graph: an input's name, the key of a call, "lstm#1" of one with several results; a
// type for what is no symbol.
std::string value_key(const ModelGraph& graph, const ValueNode& value);

}  // namespace mica::internal
