#include "frontend/views/memory_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/compile.h"
#include "compiler/program/memory.h"
#include "frontend/graph/model_state.h"

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

std::string memory_text(const program::Plan& plan, const ir::SymbolValue& value) {
  const program::MemoryUse use = program::memory_of(plan, value);
  std::string text = line("inputs", use.inputs) + line("weights", use.variables) + line("results", use.results);
  if (use.kept > 0) text += line("packed", use.kept, "made from the weights, kept until they change");
  if (plan.run.empty() || use.live.empty()) return text + line("arena", use.arena);
  text +=
      line("arena", use.arena,
           absl::StrCat("fullest in step ", step_text(plan, use.fullest_step), ": ", bytes_text(use.fullest_bytes)));
  for (std::size_t i = 0; i < std::min(use.live.size(), kShownBuffers); ++i)
    text += buffer_text(plan, use.live[i], value);
  if (use.live.size() > kShownBuffers) {
    absl::StrAppend(&text, "    and ", use.live.size() - kShownBuffers, " smaller ones\n");
  }
  return text;
}

}  // namespace views

namespace internal {
namespace {

// What the open dims of the types are in the arrays.
ir::SymbolValue sizes_in(const ModelData& data) {
  std::map<std::string, std::int64_t> sizes;
  for (std::size_t i = 0; i < data.types.size(); ++i) {
    for (std::size_t axis = 0; axis < data.types[i].dims.size(); ++axis) {
      const ir::Dim& dim = data.types[i].dims[axis];
      if (!dim.is_static()) sizes.emplace(dim.to_string(), data.arrays[i].dims()[axis]);
    }
  }
  return [sizes](const ir::Symbol& symbol) { return sizes.at(symbol.name); };
}

}  // namespace
}  // namespace internal

std::string Model::memory_report(const Inputs& inputs) const {
  internal::ModelData data = internal::model_data(*impl_, inputs);
  internal::TracedGraph traced = internal::trace_model(*impl_, data.names, data.types, {});
  std::string text = absl::StrCat("memory of ", name(), " for");
  for (std::size_t i = 0; i < data.arrays.size(); ++i)
    absl::StrAppend(&text, i == 0 ? " " : ", ", data.names[i], " ", internal::type_of(data.arrays[i]).to_string());
  return absl::StrCat(
      text, "\n", views::memory_text(compiler::plan_of(*compiler::optimized(*traced.graph)), internal::sizes_in(data)));
}

}  // namespace mica
