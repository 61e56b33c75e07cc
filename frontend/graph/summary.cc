// summary(): a model as plain data for the view.
#include "frontend/views/summary.h"

#include <algorithm>
#include <set>

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

}  // namespace

std::string Model::summary(SummaryOptions options) const { return SummaryOf(*this, options).text(); }

}  // namespace mica
