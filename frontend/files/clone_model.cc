// Models made anew: a layer's options, as files hold them, make its clone.
#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "frontend/files/keras_object.h"
#include "frontend/files/keras_training.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/layers/input.h"

namespace mica {
namespace {

using internal::FunctionalModel;
using internal::ModelGraph;
using internal::SequentialModel;
using internal::ValueNode;

Layer made_anew(const Layer& layer) {
  files::FileScope scope;  // layers that the models inside of a model share
  return files::read_layer(files::model_object(layer));
}

Tensor new_input(const ValueNode& value, const std::string& name) {
  InputOptions options{.name = name};
  options.dtype = value.type.dtype;
  const ir::Dim& batch = value.type.dims.front();
  if (batch.is_static()) options.batch_size = batch.value();
  const auto* layer = dynamic_cast<const internal::InputLayer*>(value.producer->layer.get());
  options.optional = layer && layer->optional();
  const std::vector<std::int64_t> dims(value.shape.begin() + 1, value.shape.end());
  return Input(Shape(dims), options);
}

void check_symbolic(const Model& model, const Tensors& inputs) {
  for (const Tensor& input : inputs) {
    if (input.is_symbolic()) continue;
    throw Error({.where = model.name(),
                 .expected = "input_tensors that are symbolic",
                 .received = absl::StrCat("an array, ", internal::describe(input)),
                 .hint = "Give it Input({…}), and call the clone on arrays."});
  }
}

class Cloner {
 public:
  explicit Cloner(const CloneModelOptions& options) : options_(options) {}

  Model clone(const Model& model, const Inputs& inputs) {
    Model copy = structure_of(model, inputs);
    files::read_compile_config(copy, files::compile_config(model));
    return copy;
  }

 private:
  Model structure_of(const Model& model, const Inputs& inputs) {
    if (const auto* sequential = model.get_if<SequentialModel>()) return clone_sequential(model, *sequential, inputs);
    if (model.get_if<FunctionalModel>()) return clone_functional(model, inputs);
    if (inputs.empty() && !options_.clone_function) return Model::of(made_anew(model).impl());
    throw Error({.where = model.name(),
                 .expected = "a functional or sequential model for input_tensors and clone_function",
                 .received = model.class_name(),
                 .hint = "What a subclassed model calls is known to its class alone."});
  }

  Model clone_functional(const Model& model, const Inputs& given) {
    const ModelGraph& graph = *internal::model_state(model).graph;
    const Tensors inputs = inputs_of(model, graph, given);
    const Tensors outputs = internal::replay_with(graph, inputs, [&](const Layer& layer) { return clone_of(layer); });
    Model copy(inputs, outputs, {.name = model.name()});
    ModelGraph& made = *internal::model_state(copy).graph;
    made.input_structure = graph.input_structure;
    made.output_structure = graph.output_structure;
    made.output_names = graph.output_names;
    return copy;
  }

  Model clone_sequential(const Model& model, const SequentialModel& sequential, const Inputs& given) {
    Sequential copy(std::vector<Layer>{}, {.name = model.name(), .trainable = model.trainable()});
    const std::optional<ModelGraph>& graph = internal::model_state(model).graph;
    if (graph) {
      copy.add(inputs_of(model, *graph, given)[0]);
    } else if (!given.empty()) {
      copy.add(given.tensors()[0]);
    }
    for (const Layer& layer : sequential.chain()) copy.add(clone_of(layer));
    return copy;
  }

  // The given ones in the model's order, else new ones of the same names and types.
  static Tensors inputs_of(const Model& model, const ModelGraph& graph, const Inputs& given) {
    if (!given.empty()) {
      Tensors inputs = internal::ordered_inputs(*model.impl(), given);
      check_symbolic(model, inputs);
      return inputs;
    }
    Tensors inputs;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      inputs.push_back(new_input(*graph.inputs[i], graph.input_names[i]));
    return inputs;
  }

  // The same clone whenever the layer is met.
  Layer clone_of(const Layer& layer) {
    auto it = clones_.find(layer.impl().get());
    return it != clones_.end() ? it->second : clones_[layer.impl().get()] = clone_layer(layer);
  }

  Layer clone_layer(const Layer& layer) {
    const bool is_inner = layer.get_if<SequentialModel>() || layer.get_if<FunctionalModel>();
    if (options_.recursive && is_inner) return clone(Model::of(layer.impl()), {});
    return options_.clone_function ? options_.clone_function(layer) : made_anew(layer);
  }

  const CloneModelOptions& options_;
  std::unordered_map<const CustomLayer*, Layer> clones_;
};

}  // namespace

Model clone_model(const Model& model, CloneModelOptions options) {
  return Cloner(options).clone(model, options.input_tensors);
}

Model Model::clone() const { return clone_model(*this); }

}  // namespace mica
