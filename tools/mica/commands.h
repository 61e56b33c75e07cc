// The subcommands of `mica`. Each returns when its work is done and throws mica::Error when the input or the run fails.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/mica/model.h"

namespace mica::tool {

// look.cc: what a model is and how it is compiled.
void summary(const std::string& path, const SummaryOptions& options);
struct DumpArguments {
  std::string path, stage = "program", output;  // an empty output: standard output
  DumpOptions options;
};
void dump(const DumpArguments& arguments);
void plot(const std::string& path, const std::string& picture, const PlotOptions& options);

// run.cc: a model on arrays.
struct RunArguments {
  std::string path, device = "cpu", precision;
  std::vector<std::string> inputs, outputs;  // files, as many of the one as of the other
  std::vector<std::string> taps;             // keys of calls, or "all"
  int threads = 0;                           // 0: the default
  std::optional<std::int64_t> batch_size;    // empty: all rows at once
};
void run(const RunArguments& arguments);
// The values of the calls that `taps` names, without the outputs.
void features(const RunArguments& arguments);

// train.cc: a compiled model and arrays: `x` or `x:<input>`, `y` or `y:<output>`, `sample_weight`.
struct FitArguments {
  std::string path, data, validation, options, history, output, checkpoint;  // files; empty: none
  std::optional<int> epochs;
  std::optional<std::int64_t> batch_size, every;  // steps between checkpoints; empty: epochs
  std::optional<std::uint64_t> seed;
  bool shuffle = true, resume = false, quiet = false;
};
void fit(const FitArguments& arguments);
struct EvaluateArguments {
  std::string path, data;
  std::int64_t batch_size = 32;
  bool json = false, quiet = false;
};
void evaluate(const EvaluateArguments& arguments);

// convert.cc: files into other files; weights with the variables of the optimizer, or without.
void convert(const std::string& from, const std::string& to, bool with_optimizer);

// graphs.cc: Mica text files.
bool is_graph_file(const std::string& path);  // by its name: everything but .keras and .onnx
std::string dump_graph_file(const std::string& path, Stage stage, const DumpOptions& options);
void run_graph_file(const RunArguments& arguments);
// Reads a graph, runs the named passes in order and prints it.
void opt(const std::string& path, const std::vector<std::string>& passes);

// ops.cc: the operation reference as Markdown, from the records; one operation when `name` is given.
void ops(const std::string& name);

}  // namespace mica::tool
