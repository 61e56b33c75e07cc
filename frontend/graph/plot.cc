// plot(): a model as a picture's plain data.
#include "frontend/views/plot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"

namespace mica {
namespace {

using internal::Call;
using internal::ModelGraph;
using internal::ModelStep;
using internal::state_of;

std::string text_of(const ir::Types& types) {
  std::string text;
  for (const ir::TensorType& type : types) {
    const Shape shape = internal::shape_of(type);
    absl::StrAppend(&text, text.empty() ? "" : ", ", views::shape_text(shape.dims()));
  }
  return text;
}

class Picture {
 public:
  explicit Picture(bool expand_nested) : expand_nested_(expand_nested) {}

  views::PlotGraph of(const Layer& model, const std::string& prefix) const {
    views::PlotGraph picture;
    picture.name = model.name();
    const ModelGraph& graph = *state_of(model).model->graph;
    for (const ModelStep& step : graph.table) {
      std::string id = prefix + name_of(graph, step);
      if (expand_nested_ && step.layer && is_expandable(step.layer)) {
        picture.clusters.push_back(of(step.layer, id + "/"));
      } else {
        picture.nodes.push_back(node_of(graph, step, id));
      }
      for (std::size_t call : step.calls) connect(*graph.calls[call], prefix, entry_of(step, id), picture);
    }
    return picture;
  }

 private:
  static bool is_expandable(const Layer& layer) {
    const auto* model = state_of(layer).model.get();
    return model && model->graph;
  }
  static std::string name_of(const ModelGraph& graph, const ModelStep& step) {
    return step.layer ? step.layer.name() : graph.calls[step.calls[0]]->name;
  }

  // Edges end at the first layer of an expanded model and start at its last.
  std::string entry_of(const ModelStep& step, const std::string& id) const {
    if (!expand_nested_ || !step.layer || !is_expandable(step.layer)) return id;
    const ModelGraph& inner = *state_of(step.layer).model->graph;
    return entry_of(inner.table.front(), absl::StrCat(id, "/", name_of(inner, inner.table.front())));
  }
  std::string exit_of(const Call& call, const std::string& id) const {
    if (!expand_nested_ || !call.layer || !is_expandable(Layer::of(call.layer))) return id;
    const Call& last = *state_of(*call.layer).model->graph->outputs[0]->producer;
    return exit_of(last, absl::StrCat(id, "/", internal::name_of_producer(last)));
  }

  void connect(const Call& call, const std::string& prefix, const std::string& to, views::PlotGraph& picture) const {
    for (const internal::ValueRef& input : call.inputs) {
      if (input->kind != internal::ValueKind::kSymbolic) continue;
      const Call& producer = *input->producer;
      std::pair<std::string, std::string> edge{exit_of(producer, prefix + internal::name_of_producer(producer)), to};
      bool known = std::find(picture.edges.begin(), picture.edges.end(), edge) != picture.edges.end();
      if (!known) picture.edges.push_back(std::move(edge));
    }
  }

  static views::PlotNode node_of(const ModelGraph& graph, const ModelStep& step, const std::string& id) {
    views::PlotNode node;
    node.id = id;
    node.name = name_of(graph, step);
    node.class_name = step.layer ? step.layer.class_name() : graph.calls[step.calls[0]]->op->name;
    if (step.calls.empty()) {
      node.role = views::PlotRole::kInput;
      node.output_shape = text_of(internal::types_of(step.layer.outputs()));
      return node;
    }
    const internal::CallRef& call = graph.calls[step.calls.back()];
    ir::Types inputs;
    for (const internal::ValueRef& input : call->inputs) inputs.push_back(input->type);
    node.input_shape = text_of(inputs);
    node.output_shape = text_of(call->result_types);
    node.dtype = call->result_types[0].dtype.name();
    bool gives_result = std::any_of(graph.outputs.begin(), graph.outputs.end(),
                                    [&](const internal::ValueRef& output) { return output->producer == call; });
    if (gives_result) node.role = views::PlotRole::kOutput;
    if (step.layer) describe_layer(step.layer, node);
    return node;
  }

  static void describe_layer(const Layer& layer, views::PlotNode& node) {
    const Config config = layer.config();
    if (config.contains("activation") && config.at("activation").kind() == Config::Value::Kind::kText) {
      node.activation = config.get<std::string>("activation");
    }
    if (!layer.weights().empty()) {
      node.trainable = layer.trainable_weights().empty() ? views::Trainable::kNo : views::Trainable::kYes;
    }
  }

  bool expand_nested_;
};

}  // namespace

void Model::plot(std::string_view path, PlotOptions options) const {
  internal::model_graph(*this, "plot");
  views::PlotStyle style{.show_shapes = options.show_shapes,
                         .show_dtype = options.show_dtype,
                         .show_layer_names = options.show_layer_names,
                         .rankdir = options.rankdir,
                         .dpi = options.dpi,
                         .show_layer_activations = options.show_layer_activations,
                         .show_trainable = options.show_trainable};
  absl::Status status = views::write_plot(path, Picture(options.expand_nested).of(*this, ""), style);
  if (!status.ok()) throw Error(std::string(status.message()));
}

}  // namespace mica
