#include "frontend/views/memory_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "compiler/compile.h"
#include "compiler/graph/location.h"
#include "compiler/passes/groups.h"
#include "compiler/program/memory.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/training/step_trace.h"

namespace mica {
namespace views {
namespace {

constexpr std::size_t kShownBuffers = 12;

std::string line(const char* kind, std::int64_t bytes, const std::string& note = {}) {
  std::string text = absl::StrFormat("  %-9s %10s", kind, bytes_text(bytes));
  return absl::StrCat(text, note.empty() ? "" : "   ", note, "\n");
}

std::string step_text(const program::Plan& plan, std::size_t i) {
  const program::PlanStep& step = plan.run[i];
  std::string text = absl::StrCat(i, ", ", program::step_name(plan, step));
  return step.layer.empty() ? text : absl::StrCat(text, " of ", step.layer);
}

std::string buffer_text(const program::Plan& plan, int at, const ir::SymbolValue& value) {
  const program::PlanBuffer& buffer = plan.buffers[static_cast<std::size_t>(at)];
  const std::int64_t bytes = buffer.type.numel().evaluate(value) * buffer.type.dtype.bytes();
  return absl::StrFormat("    %10s  %s of step %s, until step %d\n", bytes_text(bytes), buffer.type.to_string(),
                         step_text(plan, buffer.first_step), buffer.last_step);
}

std::string buffer_list(const program::Plan& plan, const std::vector<int>& buffers, const ir::SymbolValue& value) {
  std::string text;
  for (std::size_t i = 0; i < std::min(buffers.size(), kShownBuffers); ++i)
    text += buffer_text(plan, buffers[i], value);
  if (buffers.size() > kShownBuffers)
    absl::StrAppend(&text, "    and ", buffers.size() - kShownBuffers, " smaller ones\n");
  return text;
}

// The layers of operations that compute a value once more, each once, and how many operations there are.
struct Recomputed {
  std::vector<std::string> layers;
  int operations = 0;
};

void collect(const ir::Graph& graph, Recomputed& found) {
  for (const auto& node : graph.nodes()) {
    for (const auto& body : node->bodies()) collect(*body, found);
    const bool computes = node->bodies().empty() && !ir::is_view(*node) && !ir::is_graph_operand(*node);
    if (!computes || ir::role_of(node->loc()) != ir::Role::kRecomputed) continue;
    ++found.operations;
    std::string layer(ir::layer_of(node->loc()));
    if (std::find(found.layers.begin(), found.layers.end(), layer) == found.layers.end())
      found.layers.push_back(std::move(layer));
  }
}

}  // namespace

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " bytes");
  const char* unit = "KiB";
  double size = static_cast<double>(bytes) / 1024;
  for (const char* larger : {"MiB", "GiB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = larger;
  }
  return absl::StrFormat("%.1f %s", size, unit);
}

std::string memory_text(const program::Plan& plan, const ir::SymbolValue& value, std::int64_t slots) {
  const program::MemoryUse use = program::memory_of(plan, value);
  std::string text = line("inputs", use.inputs) + line("weights", use.variables - slots);
  if (slots > 0) text += line("slots", slots, "of the optimizer");
  text += line("results", use.results);
  if (use.kept > 0) text += line("packed", use.kept, "made from the weights, kept until they change");
  if (plan.run.empty() || use.live.empty()) return text + line("arena", use.arena);
  text +=
      line("arena", use.arena,
           absl::StrCat("fullest in step ", step_text(plan, use.fullest_step), ": ", bytes_text(use.fullest_bytes)));
  text += buffer_list(plan, use.live, value);
  if (use.saved.empty()) return text;
  return text + line("saved", use.saved_bytes, "of the forward pass, for the gradients") +
         buffer_list(plan, use.saved, value);
}

std::string recomputed_text(const ir::Graph& fused) {
  Recomputed found;
  collect(fused, found);
  if (found.operations == 0) return "";
  const std::size_t shown = std::min(found.layers.size(), kShownBuffers);
  std::string layers =
      absl::StrJoin(found.layers.begin(), found.layers.begin() + static_cast<std::ptrdiff_t>(shown), ", ");
  if (shown < found.layers.size()) absl::StrAppend(&layers, " and ", found.layers.size() - shown, " more");
  return absl::StrCat("  computed once more instead of being saved: ", found.operations, " operations of ", layers,
                      "\n");
}

}  // namespace views

namespace internal {
namespace {

// What the open dims of the graph's first inputs are in the arrays.
ir::SymbolValue sizes_in(const ir::Graph& graph, const std::vector<rt::Array>& arrays) {
  std::map<std::string, std::int64_t> sizes;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const ir::Dims& dims = graph.inputs()[i]->result_types()[0].dims;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      if (!dims[axis].is_static()) sizes.emplace(dims[axis].to_string(), arrays[i].dims()[axis]);
    }
  }
  return [sizes](const ir::Symbol& symbol) { return sizes.at(symbol.name); };
}

std::string report(const std::string& heading, const ir::Graph& graph, const std::vector<rt::Array>& arrays,
                   std::int64_t slots = 0) {
  std::string text = heading;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", ", graph.inputs()[i]->name_hint(), " ", type_of(arrays[i]).to_string());
  }
  std::unique_ptr<ir::Graph> fused = compiler::optimized(graph);
  return absl::StrCat(text, "\n", views::memory_text(compiler::plan_of(*fused), sizes_in(graph, arrays), slots),
                      views::recomputed_text(*fused));
}

// Bytes of the Variables that are none of the model's.
std::int64_t slot_bytes(const Model& model, const std::vector<CellRef>& variables) {
  const Parameters weights = all_weights(*model.impl());
  std::int64_t bytes = 0;
  for (const CellRef& cell : variables) {
    const bool is_weight =
        std::any_of(weights.begin(), weights.end(), [&](const Variable& weight) { return weight.cell() == cell; });
    if (!is_weight) bytes += cell->type.numel().value() * cell->type.dtype.bytes();
  }
  return bytes;
}

}  // namespace
}  // namespace internal

std::string Model::memory_report(const Inputs& inputs) const {
  internal::ModelData data = internal::model_data(*impl_, inputs);
  internal::TracedGraph traced = internal::trace_model(*impl_, data.names, data.types, {});
  return internal::report(absl::StrCat("memory of ", name(), " for"), *traced.graph, data.arrays);
}

std::string Model::memory_report(const Inputs& x, const Inputs& y) const {
  internal::TrainingConfig& config = internal::training_config(*this, "memory_report");
  internal::TrainingData data = internal::training_data(*this, config, x, y);
  internal::TracedGraph traced = internal::trace_step(*this, config, data, /*training=*/true).graph;
  std::vector<rt::Array> arrays = data.x.arrays;
  arrays.insert(arrays.end(), data.y.begin(), data.y.end());
  return internal::report(absl::StrCat("memory of a training step of ", name(), " for"), *traced.graph, arrays,
                          internal::slot_bytes(*this, traced.variables));
}

}  // namespace mica
