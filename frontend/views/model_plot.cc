// Model::plot: the calls between a model's inputs and outputs as boxes and arrows.
#include "frontend/views/model_plot.h"

#include <set>

#include "compiler/ops/op_def.h"
#include "frontend/files/file_error.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"

namespace mica {
namespace {

using internal::Call;
using internal::ModelGraph;
using internal::ValueNode;
using internal::ValueRef;

std::string shapes_text(const ir::Types& types) {
  std::string text;
  for (const ir::TensorType& type : types) {
    if (!text.empty()) text += ", ";
    text += views::shape_text(internal::shape_of(type).dims());
  }
  return text;
}

bool is_symbolic(const ValueRef& value) { return value->kind == internal::ValueKind::kSymbolic; }

ir::Types symbolic_types(const std::vector<ValueRef>& values) {
  ir::Types types;
  for (const ValueRef& value : values) {
    if (is_symbolic(value)) types.push_back(value->type);
  }
  return types;
}

// Builds the picture's data. A box is known by its path: "conv1", "encoder/conv1".
class PlotOf {
 public:
  explicit PlotOf(const PlotOptions& options) : options_(options) {}

  views::PlotGraph picture(const Model& model) {
    const ModelGraph& graph = internal::model_graph(model, "picture");
    for (const ValueRef& output : graph.outputs) outputs_.insert(source_of(*output, graph, ""));
    return picture(model.name(), graph, "");
  }

 private:
  views::PlotGraph picture(const std::string& name, const ModelGraph& graph, const std::string& prefix) {
    views::PlotGraph picture{.name = name, .nodes = {}};
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      picture.nodes.push_back(input_box(graph, i, prefix));
    }
    std::set<std::string> drawn;
    std::set<std::pair<std::string, std::string>> edges;
    for (const internal::CallRef& call : graph.calls) {
      const std::string id = prefix + internal::name_of_producer(*call);
      if (drawn.insert(id).second) add_box(*call, id, &picture);
      for (std::size_t i = 0; i < call->inputs.size(); ++i) {
        if (!is_symbolic(call->inputs[i])) continue;
        std::pair edge(source_of(*call->inputs[i], graph, prefix), destination_of(*call, i, id));
        if (edges.insert(edge).second) picture.edges.push_back(std::move(edge));
      }
    }
    return picture;
  }

  views::PlotNode input_box(const ModelGraph& graph, std::size_t i, const std::string& prefix) const {
    const ValueRef& input = graph.inputs[i];
    return {.id = prefix + graph.input_names[i],
            .name = graph.input_names[i],
            .class_name = "InputLayer",
            .role = prefix.empty() ? views::PlotRole::kInput : views::PlotRole::kInner,
            .output_shape = shapes_text({input->type}),
            .dtype = input->type.dtype.name()};
  }

  // The box of a layer or operation at its first call; an expanded model becomes a cluster.
  void add_box(const Call& call, const std::string& id, views::PlotGraph* picture) {
    if (const ModelGraph* nested = expanded(call)) {
      picture->clusters.push_back(this->picture(internal::name_of_producer(call), *nested, id + "/"));
      return;
    }
    views::PlotNode node{.id = id,
                         .name = internal::name_of_producer(call),
                         .class_name = internal::class_of(call),
                         .role = outputs_.contains(id) ? views::PlotRole::kOutput : views::PlotRole::kInner,
                         .input_shape = shapes_text(symbolic_types(call.inputs)),
                         .output_shape = shapes_text(call.result_types),
                         .dtype = call.result_types[0].dtype.name()};
    if (call.layer) describe_layer(Layer::of(call.layer), &node);
    picture->nodes.push_back(std::move(node));
  }

  void describe_layer(const Layer& layer, views::PlotNode* node) const {
    if (options_.show_trainable && !layer.weights().empty()) {
      node->trainable = layer.trainable_weights().empty() ? views::Trainable::kNo : views::Trainable::kYes;
    }
    if (!options_.show_layer_activations) return;
    const Config config = layer.config();
    const bool named = config.contains("activation") && config.at("activation").kind() == Config::Value::Kind::kText;
    if (named) node->activation = config.get<std::string>("activation");
  }

  // The graph of a nested model that is to be drawn from inside.
  const ModelGraph* expanded(const Call& call) const {
    if (!options_.expand_nested || !call.layer) return nullptr;
    const auto& model = internal::state_of(*call.layer).model;
    return model && model->graph ? &*model->graph : nullptr;
  }

  // The box that a value comes from.
  std::string source_of(const ValueNode& value, const ModelGraph& graph, const std::string& prefix) const {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      if (graph.inputs[i].get() == &value) return prefix + graph.input_names[i];
    }
    const std::string id = prefix + internal::name_of_producer(*value.producer);
    const ModelGraph* nested = expanded(*value.producer);
    return nested ? source_of(*nested->outputs[static_cast<std::size_t>(value.result)], *nested, id + "/") : id;
  }

  // The box that takes operand i of a call.
  std::string destination_of(const Call& call, std::size_t i, const std::string& id) const {
    const ModelGraph* nested = expanded(call);
    return nested && i < nested->input_names.size() ? id + "/" + nested->input_names[i] : id;
  }

  const PlotOptions& options_;
  std::set<std::string> outputs_;  // boxes that give a result of the whole model
};

}  // namespace

views::PlotGraph views::picture_of(const Model& model, const PlotOptions& options) {
  return PlotOf(options).picture(model);
}

void Model::plot(std::string_view path, PlotOptions options) const {
  const views::PlotStyle style{.show_shapes = options.show_shapes,
                               .show_dtype = options.show_dtype,
                               .show_layer_names = options.show_layer_names,
                               .rankdir = options.rankdir,
                               .dpi = options.dpi,
                               .show_layer_activations = options.show_layer_activations,
                               .show_trainable = options.show_trainable};
  files::throw_if_error(views::write_plot(path, views::picture_of(*this, options), style));
}

}  // namespace mica
