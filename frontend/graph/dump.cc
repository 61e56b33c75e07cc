#include "frontend/graph/dump.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "frontend/graph/model_state.h"
#include "frontend/training/step_trace.h"
#include "frontend/views/dump_json.h"
#include "frontend/views/graph_plot.h"
#include "frontend/views/model_plot.h"

namespace mica {
namespace internal {
namespace {

// What a stage can be shown as.
struct StageFacts {
  Stage stage;
  const char* name;
  bool dot, json, gpu;  // gpu: also for a GPU
  const char* comment;  // what begins one in the text
};
constexpr StageFacts kStages[] = {
    {Stage::kCalls, "calls", true, true, true, "# "},  {Stage::kGraph, "graph", true, true, true, "# "},
    {Stage::kFused, "fused", true, true, true, "# "},  {Stage::kLoop, "loop", false, false, true, "# "},
    {Stage::kLlvm, "llvm", false, false, false, "; "}, {Stage::kAsm, "asm", false, false, false, "# "},
    {Stage::kPtx, "ptx", false, false, true, "// "},   {Stage::kProgram, "program", false, true, false, "# "},
};

const StageFacts& facts_of(Stage stage) {
  return *std::find_if(std::begin(kStages), std::end(kStages), [&](const StageFacts& f) { return f.stage == stage; });
}

std::string quoted(std::string_view text) { return absl::StrCat("\"", std::string(text), "\""); }

[[noreturn]] void fail(std::string expected, std::string_view received, std::string hint = {}) {
  throw Error(
      {.where = "dump", .expected = std::move(expected), .received = quoted(received), .hint = std::move(hint)});
}

std::string stages_where(bool StageFacts::* shown) {
  std::string names;
  for (const StageFacts& facts : kStages) {
    if (facts.*shown) absl::StrAppend(&names, names.empty() ? "" : ", ", facts.name);
  }
  return names;
}

constexpr int kOldestComputeCapability = 80;  // PTX of it runs on all later GPUs

// Of "cuda:sm_90"; none for "cpu".
std::optional<int> compute_capability(std::string_view target) {
  if (target == "cpu") return std::nullopt;
  for (int sm : {kOldestComputeCapability, 90}) {
    if (target == absl::StrCat("cuda:sm_", sm)) return sm;
  }
  fail("the target cpu, cuda:sm_80 or cuda:sm_90", target);
}

void check_options(const StageFacts& stage, const DumpOptions& options) {
  if (options.mode != "infer" && options.mode != "train") fail("the mode infer or train", options.mode);
  if (options.batch && *options.batch < 1) fail("a batch of at least 1", absl::StrCat(*options.batch));
  const bool dot = options.format == "dot", json = options.format == "json";
  if (!dot && !json && options.format != "text") fail("the format text, dot or json", options.format);
  if ((dot && !stage.dot) || (json && !stage.json)) {
    bool StageFacts::* shown = dot ? &StageFacts::dot : &StageFacts::json;
    fail(absl::StrCat("the format text for the stage ", stage.name), options.format,
         absl::StrCat("As ", options.format, " there are ", stages_where(shown), "."));
  }
  if (compute_capability(options.target) && !stage.gpu) {
    fail(absl::StrCat("the target cpu for the stage ", stage.name), options.target,
         absl::StrCat("Of a GPU there are ", stages_where(&StageFacts::gpu), "."));
  }
}

// A GPU has no libraries here: all its kernels are generated.
compiler::Options compiler_options(std::optional<int> sm) {
  compiler::Options options;
  options.compute_capability = sm.value_or(0);
  options.libraries = !sm;
  return options;
}

compiler::Stage compiler_stage(Stage stage) {
  switch (stage) {
    case Stage::kFused:
      return compiler::Stage::kFused;
    case Stage::kLoop:
      return compiler::Stage::kLoop;
    case Stage::kLlvm:
      return compiler::Stage::kLlvm;
    case Stage::kAsm:
      return compiler::Stage::kAsm;
    case Stage::kPtx:
      return compiler::Stage::kPtx;
    case Stage::kProgram:
      return compiler::Stage::kProgram;
    default:
      return compiler::Stage::kGraph;
  }
}

// The DAG of calls as text, one a line: the stage before any graph.
std::string calls_text(const std::string& model, const ModelGraph& graph) {
  std::string text = absl::StrCat("model ", model, "(");
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", graph.input_names[i], ": ", describe(graph.inputs[i]->type));
  }
  text += ") {\n";
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    const Call& call = *graph.calls[i];
    std::string inputs, types;
    for (const ValueRef& input : call.inputs)
      absl::StrAppend(&inputs, inputs.empty() ? "" : ", ", value_key(graph, *input));
    for (const ir::TensorType& type : call.result_types) {
      absl::StrAppend(&types, types.empty() ? "" : ", ", describe(type));
    }
    absl::StrAppend(&text, "  ", graph.steps[i], " = ", class_of(call), "(", inputs, ") : ", types, "\n");
  }
  text += "  return ";
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", value_key(graph, *graph.outputs[i]));
  return text + "\n}\n";
}

// The model's inputs with the batch fixed.
ir::Types types_for_dump(const ModelGraph& graph, std::optional<std::int64_t> batch) {
  ir::Types types;
  for (const ValueRef& input : graph.inputs) {
    ir::TensorType type = input->type;
    if (batch && !type.dims.empty() && !type.dims[0].is_static()) type.dims[0] = ir::Dim(*batch);
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace

std::string_view stage_name(Stage stage) { return facts_of(stage).name; }

Stage stage_named(std::string_view name) {
  std::string known;
  for (const StageFacts& facts : kStages) {
    if (name == facts.name) return facts.stage;
    absl::StrAppend(&known, known.empty() ? "" : ", ", facts.name);
  }
  fail(absl::StrCat("one of the stages ", known), name);
}

std::string dump_graph(const ir::Graph& graph, Stage stage, const DumpOptions& options, const std::string& note) {
  const StageFacts& facts = facts_of(stage);
  check_options(facts, options);
  std::optional<int> sm = compute_capability(options.target);
  if (stage == Stage::kPtx && !sm) sm = kOldestComputeCapability;
  const compiler::Options target = compiler_options(sm);
  auto commented = [&](const char* sign) { return note.empty() ? "" : absl::StrCat(sign, note, "\n"); };
  if (options.format == "text") return commented(facts.comment) + compiler::dump(graph, compiler_stage(stage), target);
  std::unique_ptr<ir::Graph> shown = stage == Stage::kGraph ? graph.clone() : compiler::optimized(graph, target);
  if (stage == Stage::kProgram) return views::to_json(compiler::plan_of(*shown, target), note);
  if (options.format == "json") return views::to_json(*shown, note);
  return commented("// ") + views::to_dot(views::picture_of(*shown));
}

namespace {

// A compiled model that is trained has a step, every other one a forward pass.
std::string dump_model(const Model& model, const ModelGraph& graph, Stage stage, const DumpOptions& options) {
  const ir::Types types = types_for_dump(graph, options.batch);
  const bool training = options.mode == "train";
  TrainingConfig* config = training ? find_training_config(model) : nullptr;
  if (config) return dump_graph(*trace_step(model, *config, types).graph.graph, stage, options);
  TracedGraph traced = trace_model(*model.impl(), graph.input_names, types, {.training = training});
  std::string note;
  if (training) {
    note = absl::StrCat(model.name(), " is not compiled: its forward pass in training mode, without loss and update");
  }
  return dump_graph(*traced.graph, stage, options, note);
}

}  // namespace
}  // namespace internal

std::string Model::dump(Stage stage, DumpOptions options) const {
  internal::check_options(internal::facts_of(stage), options);
  const internal::ModelGraph& graph = internal::model_graph(*this, "dump");
  if (stage != Stage::kCalls) return internal::dump_model(*this, graph, stage, options);
  if (options.format == "dot") return views::to_dot(views::picture_of(*this, {.expand_nested = true}));
  return options.format == "json" ? views::to_json(name(), graph) : internal::calls_text(name(), graph);
}

}  // namespace mica
