// Mica text files: opt, dump and run.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/passes/passes.h"
#include "frontend/files/file_error.h"
#include "frontend/files/npz.h"
#include "frontend/graph/backend.h"
#include "frontend/graph/dump.h"
#include "runtime/error.h"
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

// Rows of a graph file are open, and its mode was decided when it was written.
void check_dump_options(const DumpOptions& options) {
  if (options.mode != "infer") fail("--mode", "a .keras file for the mode train", "a Mica text file");
  if (options.batch) fail("--batch", "a .keras file for a batch of known size", "a Mica text file");
}

// The arrays of one run, keyed as the outputs of the graph.
files::NamedArrays run_once(const ir::Graph& graph, const RunArguments& arguments, const files::NamedArrays& stored,
                            const std::string& file) {
  files::NamedArrays given = files::value_or_throw(files::read_npz(file));
  std::vector<rt::Array> inputs;
  std::vector<rt::VariableValue> weights;
  for (const ir::Node* input : graph.inputs()) inputs.push_back(array_named(given, input->name_hint(), file));
  for (const ir::Node* variable : graph.variables()) {
    const rt::Array& weight = array_named(stored, variable->name_hint(), arguments.path + ".npz");
    weights.push_back({weight, weights.size() + 1, 1});
  }
  rt::RunResult result;
  internal::compile_graph(graph)->run(inputs, weights, result);
  files::NamedArrays named;
  for (const ir::Output& output : graph.outputs()) {
    if (!output.target) named.emplace_back(output.name, result.results[named.size()]);
  }
  return named;
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

bool is_graph_file(const std::string& path) { return !path.ends_with(".keras") && !path.ends_with(".onnx"); }

std::string dump_graph_file(const std::string& path, Stage stage, const DumpOptions& options) {
  check_dump_options(options);
  if (stage == Stage::kCalls) fail("--stage", "a .keras file for the stage calls", "a Mica text file");
  return internal::dump_graph(*read_graph(path), stage, options);
}

void run_graph_file(const RunArguments& arguments) {
  std::unique_ptr<ir::Graph> graph = read_graph(arguments.path);
  if (!arguments.taps.empty()) add_taps(*graph, arguments.taps);
  files::NamedArrays stored;
  if (!graph->variables().empty()) stored = files::value_or_throw(files::read_npz(arguments.path + ".npz"));
  for (std::size_t i = 0; i < arguments.inputs.size(); ++i) {
    files::throw_if_error(
        files::write_npz(arguments.outputs[i], run_once(*graph, arguments, stored, arguments.inputs[i])));
  }
}

}  // namespace mica::tool
