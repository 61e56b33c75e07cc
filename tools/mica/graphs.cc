// mica opt, dump and run on Mica text files.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/compile.h"
#include "compiler/passes/passes.h"
#include "compiler/reference.h"
#include "frontend/files/file_error.h"
#include "frontend/files/npz.h"
#include "runtime/error.h"
#include "runtime/parallel.h"
#include "tools/mica/commands.h"

namespace mica::tool {
namespace {

[[noreturn]] void fail(std::string where, std::string expected, std::string received, std::string hint = {}) {
  throw Error({.where = std::move(where),
               .expected = std::move(expected),
               .received = std::move(received),
               .hint = std::move(hint)});
}

std::unique_ptr<ir::Graph> read_graph(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "a readable file", "none", "Is the path right?");
  std::ostringstream text;
  text << file.rdbuf();
  absl::StatusOr<std::unique_ptr<ir::Graph>> graph = ir::parse_graph(text.str());
  if (!graph.ok()) throw Error(absl::StrCat(path, ": ", std::string(graph.status().message())));
  return *std::move(graph);
}

const std::pair<const char*, compiler::Stage> kStages[] = {
    {"graph", compiler::Stage::kGraph}, {"fused", compiler::Stage::kFused}, {"loop", compiler::Stage::kLoop},
    {"llvm", compiler::Stage::kLlvm},   {"asm", compiler::Stage::kAsm},     {"program", compiler::Stage::kProgram}};

const rt::Array& array_named(const files::NamedArrays& arrays, const std::string& name, const std::string& file) {
  for (const auto& [key, array] : arrays) {
    if (key == name) return array;
  }
  std::vector<std::string> keys;
  for (const auto& [key, array] : arrays) keys.push_back(key);
  fail(file, absl::StrCat("an array \"", name, "\""), keys.empty() ? "no arrays" : absl::StrJoin(keys, ", "));
}

// Values of tapped layers: the last node of each, keyed by its layer.
void add_taps(ir::Graph& graph, const std::vector<std::string>& wanted) {
  bool all = wanted.size() == 1 && wanted[0] == "all";
  std::vector<std::pair<std::string, ir::Value>> taps;
  for (const auto& node : graph.nodes()) {
    if (node->loc().empty() || node->num_results() != 1) continue;
    bool asked = all || std::find(wanted.begin(), wanted.end(), node->loc()) != wanted.end();
    if (!asked) continue;
    auto known = std::find_if(taps.begin(), taps.end(), [&](const auto& tap) { return tap.first == node->loc(); });
    if (known == taps.end()) known = taps.insert(taps.end(), {node->loc(), {}});
    known->second = node->result();
  }
  for (const std::string& name : wanted) {
    bool found = all || std::any_of(taps.begin(), taps.end(), [&](const auto& tap) { return tap.first == name; });
    if (!found) fail("--tap", "a layer of the graph", absl::StrCat("\"", name, "\""));
  }
  for (const auto& [layer, value] : taps) {
    auto same = [&](const ir::Output& output) { return output.name == layer; };
    std::erase_if(graph.mutable_outputs(), same);  // where a tap and an output share a key, the tap is written
    graph.add_output(value, layer, /*tap=*/true);
  }
}

rt::Array to_array(const ir::RefTensor& tensor) {
  rt::Array array = rt::Array::uninitialized(tensor.dtype, tensor.dims);
  for (std::int64_t i = 0; i < array.numel(); ++i) array.set(i, tensor.data[static_cast<std::size_t>(i)]);
  return array;
}

ir::RefTensor to_reference(const rt::Array& array) {
  ir::RefTensor tensor{array.dtype(), array.dims(), {}};
  for (std::int64_t i = 0; i < array.numel(); ++i) tensor.data.push_back(array.at(i));
  return tensor;
}

std::vector<rt::Array> run_reference(const ir::Graph& graph, const std::vector<rt::Array>& inputs,
                                     const std::vector<rt::Array>& weights) {
  std::vector<ir::RefTensor> operands, variables;
  for (const rt::Array& array : inputs) operands.push_back(to_reference(array));
  for (const rt::Array& array : weights) variables.push_back(to_reference(array));
  absl::StatusOr<std::vector<ir::RefTensor>> values = ir::evaluate(graph, operands, variables);
  if (!values.ok()) throw Error(std::string(values.status().message()));
  std::vector<rt::Array> results;
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (!graph.outputs()[i].target) results.push_back(to_array((*values)[i]));
  }
  return results;
}

std::vector<rt::Array> run_compiled(const ir::Graph& graph, const std::vector<rt::Array>& inputs,
                                    const std::vector<rt::Array>& weights) {
  std::vector<rt::VariableValue> variables;
  for (const rt::Array& array : weights) variables.push_back({array, variables.size() + 1, 1});
  return compiler::compile(graph)->program().run(inputs, variables).results;
}

int compute_capability(const std::string& target) {
  for (int sm : {80, 90}) {
    if (target == absl::StrCat("cuda:sm_", sm)) return sm;
  }
  fail("--target", "cuda:sm_80 or cuda:sm_90", absl::StrCat("\"", target, "\""));
}

std::string stage_text(const ir::Graph& graph, const DumpArguments& arguments) {
  if (arguments.stage == "ptx") return compiler::ptx_of(graph, compute_capability(arguments.target));
  std::shared_ptr<const compiler::CompiledModel> model = compiler::compile(graph);
  std::string text;
  for (const auto& [name, stage] : kStages) {
    if (arguments.stage == "all") absl::StrAppend(&text, text.empty() ? "" : "\n", "// ", name, "\n");
    if (arguments.stage == "all" || arguments.stage == name) text += model->dump(stage);
  }
  if (text.empty())
    fail("--stage", "graph, fused, loop, llvm, asm, ptx, program or all", absl::StrCat("\"", arguments.stage, "\""));
  return text;
}

}  // namespace

void opt(const std::string& path, const std::vector<std::string>& passes) {
  std::unique_ptr<ir::Graph> graph = read_graph(path);
  std::vector<ir::Pass> chosen;
  for (const std::string& name : passes) {
    const ir::Pass* pass = ir::find_pass(name);
    std::vector<std::string> names;
    for (const ir::Pass& known : ir::pipeline()) names.emplace_back(known.name);
    if (!pass) fail("--passes", absl::StrCat("some of ", absl::StrJoin(names, ", ")), absl::StrCat("\"", name, "\""));
    chosen.push_back(*pass);
  }
  if (passes.empty()) chosen.assign(ir::pipeline().begin(), ir::pipeline().end());
  absl::Status status = ir::run_passes(*graph, chosen, {});
  if (!status.ok()) throw Error(absl::StrCat(path, ": ", std::string(status.message())));
  std::fputs(ir::print(*graph).c_str(), stdout);
}

void dump(const DumpArguments& arguments) {
  std::string text = stage_text(*read_graph(arguments.path), arguments);
  if (arguments.output.empty()) {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::ofstream file(arguments.output);
  if (!(file << text)) fail(arguments.output, "a file that can be written", "an error of the system");
}
void run(const RunArguments& arguments) {
  if (arguments.device != "cpu" && arguments.device != "reference")
    fail("--device", "cpu or reference", absl::StrCat("\"", arguments.device, "\""));
  if (arguments.threads > 0) rt::set_num_threads(arguments.threads);
  std::unique_ptr<ir::Graph> graph = read_graph(arguments.path);
  if (!arguments.taps.empty()) add_taps(*graph, arguments.taps);

  files::NamedArrays given = files::value_or_throw(files::read_npz(arguments.inputs)), stored;
  if (!graph->variables().empty()) stored = files::value_or_throw(files::read_npz(arguments.path + ".npz"));
  std::vector<rt::Array> inputs, weights;
  for (const ir::Node* input : graph->inputs())
    inputs.push_back(array_named(given, input->name_hint(), arguments.inputs));
  for (const ir::Node* variable : graph->variables())
    weights.push_back(array_named(stored, variable->name_hint(), arguments.path + ".npz"));

  std::vector<rt::Array> results =
      arguments.device == "reference" ? run_reference(*graph, inputs, weights) : run_compiled(*graph, inputs, weights);
  files::NamedArrays named;
  for (const ir::Output& output : graph->outputs()) {
    if (!output.target) named.emplace_back(output.name, results[named.size()]);
  }
  files::throw_if_error(files::write_npz(arguments.output, named));
}

}  // namespace mica::tool
