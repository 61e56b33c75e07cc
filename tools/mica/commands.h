// The subcommands of `mica`. Each returns when its work is done and throws mica::Error when the input or the run fails.
#pragma once
#include <string>
#include <vector>

namespace mica::tool {

// The operation reference as Markdown, from the records; one operation when `name` is given.
void ops(const std::string& name);

// Reads a graph, runs the named passes in order and prints it.
void opt(const std::string& path, const std::vector<std::string>& passes);

struct DumpArguments {
  std::string path, stage = "program", output;  // an empty output: standard output
  std::string target = "cuda:sm_80";            // of the stage ptx
};
void dump(const DumpArguments& arguments);

struct RunArguments {
  std::string path, inputs, output, device = "cpu";
  std::vector<std::string> taps;
  int threads = 0;  // 0: the default
};
void run(const RunArguments& arguments);

}  // namespace mica::tool
