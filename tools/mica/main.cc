// The command line: what each subcommand takes, the exit status, the form of errors. The work is in the other files.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "runtime/error.h"
#include "tools/mica/commands.h"

namespace {

constexpr int kDone = 0, kFailed = 1, kWrongCommandLine = 2;

struct CommandLine {
  CLI::App app{"Mica, a symbolic model compiler: looks at models, runs them, and shows how they are compiled.", "mica"};
  std::string name, path;
  std::vector<std::string> passes;
  mica::tool::DumpArguments dump;
  mica::tool::RunArguments run;

  CommandLine() {
    app.require_subcommand(1);
    auto* ops = app.add_subcommand("ops", "the operation reference, from the records");
    ops->add_option("NAME", name, "one operation");
    ops->callback([this] { mica::tool::ops(name); });

    auto* opt = app.add_subcommand("opt", "runs passes on a Mica text file and prints the graph");
    opt->add_option("FILE", path, "the graph")->required();
    opt->add_option("--passes", passes, "names, separated by commas; all in order when absent")->delimiter(',');
    opt->callback([this] { mica::tool::opt(path, passes); });

    auto* dump_command = app.add_subcommand("dump", "prints a stage of the compiler");
    dump_command->add_option("MODEL", dump.path, "a Mica text file")->required();
    dump_command->add_option("--stage", dump.stage, "graph, fused, loop, llvm, asm, program or all (of these), or ptx")
        ->capture_default_str();
    dump_command->add_option("--target", dump.target, "of the stage ptx: cuda:sm_80 or cuda:sm_90")
        ->capture_default_str();
    dump_command->add_option("--output", dump.output, "a file instead of standard output");
    dump_command->callback([this] { mica::tool::dump(dump); });

    auto* run_command = app.add_subcommand("run", "runs a model on arrays");
    run_command->add_option("MODEL", run.path, "a Mica text file; its weights lie in MODEL.npz")->required();
    run_command->add_option("--inputs", run.inputs, "an .npz keyed by input names")->required();
    run_command->add_option("--output", run.output, "the .npz to write, keyed by output names")->required();
    run_command->add_option("--tap", run.taps, "layers whose values are written too, or all")->delimiter(',');
    run_command->add_option("--device", run.device, "cpu or reference")->capture_default_str();
    run_command->add_option("--threads", run.threads, "threads of the pool");
    run_command->callback([this] { mica::tool::run(run); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
    return kDone;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return line.app.exit(error);  // --help
    std::fprintf(stderr, "mica: error: %s\n", error.what());
    return kWrongCommandLine;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mica: error: %s\n", error.what());
    return kFailed;
  }
}
