// summary() and dump(): a model as plain data for the views, and as text of every stage.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"
#include "frontend/views/summary.h"

namespace mica {
namespace {

using internal::Call;
using internal::ModelGraph;
using internal::ModelStep;
using internal::state_of;

std::string shapes_text(const ir::Types& types) {
  std::string text;
  for (const ir::TensorType& type : types) {
    const Shape shape = internal::shape_of(type);
    absl::StrAppend(&text, text.empty() ? "" : ", ", views::shape_text(shape.dims()));
  }
  return types.size() == 1 ? text : absl::StrCat("[", text, "]");
}

views::ParameterCount count(const Parameters& weights) {
  views::ParameterCount total;
  for (const Variable& weight : weights) {
    total.count += weight.numel();
    total.bytes += weight.numel() * weight.dtype().bytes();
  }
  return total;
}

class SummaryOf {
 public:
  SummaryOf(const Layer& model, const SummaryOptions& options) : options_(options) {
    summary_.model_name = model.name();
    summary_.show_trainable = options.show_trainable;
    summary_.line_length = options.line_length;
    summary_.trainable = count(model.trainable_weights());
    summary_.non_trainable = count(model.non_trainable_weights());
    add_rows(model, 0);
  }
  std::string text() const { return views::render_summary(summary_); }

 private:
  void add_rows(const Layer& model, int nesting) {
    const auto* state = state_of(model).model.get();
    if (!state || !state->graph) {
      for (const Layer& layer : model.layers()) summary_.rows.push_back(row_of(layer, nesting));
      return;
    }
    const ModelGraph& graph = *state->graph;
    bool chain = model.class_name() == "Sequential";
    summary_.connected |= !chain && !is_chain(graph);
    for (const ModelStep& step : graph.table) {
      if (chain && step.calls.empty()) continue;  // Keras' Sequential does not show its input
      add_row(graph, step, nesting);
    }
  }

  void add_row(const ModelGraph& graph, const ModelStep& step, int nesting) {
    views::SummaryRow row;
    if (step.layer) {
      row = row_of(step.layer, nesting);
    } else {
      const Call& call = *graph.calls[step.calls[0]];
      row.name = call.name;
      row.class_name = internal::class_of(call);
      row.nesting = nesting;
    }
    if (!step.calls.empty()) row.output_shape = shapes_text(graph.calls[step.calls.back()]->result_types);
    for (std::size_t call : step.calls) connect(graph, *graph.calls[call], row);
    bool nested = step.layer && state_of(step.layer).model != nullptr;
    summary_.rows.push_back(std::move(row));
    if (nested && options_.expand_nested) add_rows(step.layer, nesting + 1);
  }

  views::SummaryRow row_of(const Layer& layer, int nesting) const {
    views::SummaryRow row;
    row.name = layer.name();
    row.class_name = layer.class_name();
    row.nesting = nesting;
    row.built = layer.built();
    row.params = layer.count_params();
    if (!layer.weights().empty()) {
      row.trainable = layer.trainable_weights().empty() ? views::Trainable::kNo : views::Trainable::kYes;
    }
    if (layer.num_calls() > 0) row.output_shape = shapes_text(internal::types_of(layer.outputs()));
    return row;
  }

  // "conv1[0][0]": which result of which call each input is.
  static void connect(const ModelGraph& graph, const Call& call, views::SummaryRow& row) {
    for (const internal::ValueRef& input : call.inputs) {
      if (input->kind != internal::ValueKind::kSymbolic) continue;
      const Call& producer = *input->producer;
      int index = 0;
      for (const internal::CallRef& other : graph.calls) {
        if (other.get() == &producer) break;
        index += other->layer && other->layer == producer.layer;
      }
      row.connected_to.push_back(absl::StrCat(internal::name_of_producer(producer), "[",
                                              producer.inputs.empty() ? 0 : index, "][", input->result, "]"));
    }
  }

  // One input, every call on one value, every value used once, no layer called twice.
  static bool is_chain(const ModelGraph& graph) {
    if (graph.inputs.size() != 1 || graph.outputs.size() != 1) return false;
    std::set<const internal::ValueNode*> used;
    for (const ModelStep& step : graph.table) {
      if (step.calls.size() > 1) return false;
    }
    return std::all_of(graph.calls.begin(), graph.calls.end(), [&](const internal::CallRef& call) {
      auto symbolic = std::count_if(call->inputs.begin(), call->inputs.end(), [](const internal::ValueRef& input) {
        return input->kind == internal::ValueKind::kSymbolic;
      });
      return symbolic == 1 && used.insert(call->inputs[0].get()).second;
    });
  }

  SummaryOptions options_;
  views::Summary summary_;
};

// The DAG of calls as text, one a line: the stage before any graph.
std::string calls_text(const Model& model) {
  const ModelGraph& graph = internal::model_graph(model, "calls");
  auto name_of = [&](const internal::ValueNode& value) -> std::string {
    if (value.kind != internal::ValueKind::kSymbolic) return internal::describe(value.type);
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      if (graph.inputs[i].get() == &value) return graph.input_names[i];
    }
    for (std::size_t i = 0; i < graph.calls.size(); ++i) {
      if (graph.calls[i] != value.producer) continue;
      bool single = value.producer->result_types.size() == 1;
      return single ? graph.steps[i] : absl::StrCat(graph.steps[i], "#", value.result);
    }
    return "?";
  };
  std::string text = absl::StrCat("model ", model.name(), "(");
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", graph.input_names[i], ": ", internal::describe(graph.inputs[i]->type));
  }
  text += ") {\n";
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    const Call& call = *graph.calls[i];
    std::string inputs, types;
    for (const internal::ValueRef& input : call.inputs)
      absl::StrAppend(&inputs, inputs.empty() ? "" : ", ", name_of(*input));
    for (const ir::TensorType& type : call.result_types) {
      absl::StrAppend(&types, types.empty() ? "" : ", ", internal::describe(type));
    }
    absl::StrAppend(&text, "  ", graph.steps[i], " = ", internal::class_of(call), "(", inputs, ") : ", types, "\n");
  }
  text += "  return ";
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", name_of(*graph.outputs[i]));
  return text + "\n}\n";
}

// The model's inputs with the batch fixed.
ir::Types types_for_dump(const ModelGraph& graph, std::optional<std::int64_t> batch) {
  ir::Types types;
  for (const internal::ValueRef& input : graph.inputs) {
    ir::TensorType type = input->type;
    if (batch && !type.dims.empty() && !type.dims[0].is_static()) type.dims[0] = ir::Dim(*batch);
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace

std::string Model::summary(SummaryOptions options) const { return SummaryOf(*this, options).text(); }

std::string Model::dump(Stage stage, DumpOptions options) const {
  if (options.mode != "infer" && options.mode != "train") {
    throw Error({.where = name(),
                 .expected = "mode infer or train",
                 .received = absl::StrCat("\"", options.mode, "\""),
                 .hint = {}});
  }
  if (stage == Stage::kCalls) return calls_text(*this);
  const ModelGraph& graph = internal::model_graph(*this, "dump");
  internal::TracedGraph traced = internal::trace_model(*impl_, graph.input_names, types_for_dump(graph, options.batch),
                                                       {.training = options.mode == "train"});
  return internal::dump_graph(*traced.graph, stage);
}

}  // namespace mica
