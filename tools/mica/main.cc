// The command line: what each subcommand takes, the exit status, the form of errors. The work is in the other files.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "runtime/error.h"
#include "tools/mica/commands.h"

namespace {

constexpr int kDone = 0, kFailed = 1, kWrongCommandLine = 2;

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.add_flag("--quiet", quiet_, "no progress")->configurable(false);
    app_.fallthrough();
    add_looking();
    add_running();
    add_training();
    add_tools();
  }
  CLI::App& app() { return app_; }

 private:
  CLI::App* command(const char* name, const char* what, void (CommandLine::*work)()) {
    CLI::App* added = app_.add_subcommand(name, what);
    added->callback([this, work] { (this->*work)(); });
    return added;
  }
  void add_model(CLI::App* app, std::string& path, const char* what = "a .keras or Mica text file") {
    app->add_option("MODEL", path, what)->required();
  }

  void add_looking() {
    auto* summary = command("summary", "the table of a model's layers", &CommandLine::summary);
    add_model(summary, path_, "a .keras file");
    summary->add_flag("--expand-nested", summary_.expand_nested, "show the layers of nested models");
    summary->add_flag("--show-trainable", summary_.show_trainable, "show which layers are trained");
    summary->add_option("--line-length", summary_.line_length, "characters of a line");

    auto* dump = command("dump", "a model at a stage of the compiler", &CommandLine::dump);
    add_model(dump, dump_.path);
    dump->add_option("--stage", dump_.stage, "calls, graph, fused, loop, llvm, asm, ptx, program or all")
        ->capture_default_str();
    dump->add_option("--mode", dump_.options.mode, "infer or train")->capture_default_str();
    dump->add_option("--batch", dump_.options.batch, "rows of a batch; open when absent");
    dump->add_option("--target", dump_.options.target, "cpu, cuda:sm_80 or cuda:sm_90")->capture_default_str();
    dump->add_option("--format", dump_.options.format, "text, dot or json")->capture_default_str();
    dump->add_option("--output", dump_.output, "a file instead of standard output");

    auto* plot = command("plot", "a picture of a model", &CommandLine::plot);
    add_model(plot, path_, "a .keras file");
    plot->add_option("--output", to_, "FILE.svg, .png, .pdf or .dot")->required();
    plot->add_flag("--expand-nested", plot_.expand_nested, "draw nested models from inside");
    plot->add_flag("--show-dtype", plot_.show_dtype, "name element types");
    plot->add_flag("--show-trainable", plot_.show_trainable, "say which layers are trained");
    plot->add_flag("--show-layer-activations", plot_.show_layer_activations, "name activations");
  }

  void add_running() {
    auto* run = command("run", "runs a model on arrays", &CommandLine::run);
    add_model(run, run_.path, "a .keras file, or Mica text whose weights lie in MODEL.npz");
    add_run_options(run, "an .npz to write, keyed by output names; as many as --inputs");
    run->add_option("--tap", run_.taps, "calls whose values are written too, or all")
        ->delimiter(',')
        ->allow_extra_args(false);
    run->add_option("--batch-size", run_.batch_size, "rows that run together; all when absent")
        ->check(CLI::PositiveNumber);

    auto* features = command("features", "the values of layers inside a model", &CommandLine::features);
    add_model(features, run_.path, "a .keras file");
    add_run_options(features, "an .npz to write, keyed by layers; as many as --inputs");
    features->add_option("--layer", run_.taps, "layers: names, or keys as of run --tap")->delimiter(',')->required();
  }

  void add_run_options(CLI::App* app, const char* output) {
    app->add_option("--inputs", run_.inputs, "an .npz keyed by input names; several run in order on one instance")
        ->required()
        ->allow_extra_args(false);
    app->add_option("--output", run_.outputs, output)->required()->allow_extra_args(false);
    app->add_option("--device", run_.device, "cpu, or reference: in double precision")->capture_default_str();
    app->add_option("--precision", run_.precision, "strict, high, bf16 or int8");
    app->add_option("--threads", run_.threads, "threads of the pool")->check(CLI::PositiveNumber);
  }

  void add_training() {
    auto* fit = command("fit", "trains a compiled model", &CommandLine::fit);
    add_model(fit, fit_.path, "a .keras file with the configuration of compile()");
    fit->add_option("--data", fit_.data, "an .npz with x or x:INPUT, y or y:OUTPUT, maybe sample_weight")->required();
    fit->add_option("--validation", fit_.validation, "another one, for validation");
    fit->add_option("--options", fit_.options, "a .json: Keras' arguments of fit, callbacks, roles of arrays");
    fit->add_option("--epochs", fit_.epochs, "times through the data")->check(CLI::PositiveNumber);
    fit->add_option("--batch-size", fit_.batch_size, "rows of a step")->check(CLI::PositiveNumber);
    fit->add_flag("!--no-shuffle", fit_.shuffle, "rows in their order");
    fit->add_option("--seed", fit_.seed, "of shuffling and of random layers");
    fit->add_option("--history", fit_.history, "a .json to write: the logs of every epoch");
    fit->add_option("--output", fit_.output, "the trained .keras file")->required();
    auto* checkpoint = fit->add_option("--checkpoint", fit_.checkpoint, "a .keras to write after every epoch");
    fit->add_option("--every", fit_.every, "and after so many steps")->needs(checkpoint)->check(CLI::PositiveNumber);
    fit->add_flag("--resume", fit_.resume, "goes on from the checkpoint, when it is there")->needs(checkpoint);

    auto* evaluate = command("evaluate", "losses and metrics of a compiled model", &CommandLine::evaluate);
    add_model(evaluate, evaluate_.path, "a .keras file with the configuration of compile()");
    evaluate->add_option("--data", evaluate_.data, "an .npz with x or x:INPUT, y or y:OUTPUT, maybe sample_weight")
        ->required();
    evaluate->add_option("--batch-size", evaluate_.batch_size, "rows of a step")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    evaluate->add_flag("--json", evaluate_.json, "one JSON object");
  }

  void add_tools() {
    auto* convert = command("convert", "a model, or its weights, into another file", &CommandLine::convert);
    convert->add_option("FROM", path_, "a .keras file")->required();
    convert->add_option("TO", to_, "a .keras, or for the weights alone .weights.h5, .npz or .safetensors")->required();
    convert->add_flag("--with-optimizer", with_optimizer_, "the optimizer's variables too: optimizer/<index>:<path>");

    auto* opt = command("opt", "runs passes on a Mica text file and prints the graph", &CommandLine::opt);
    opt->add_option("FILE", path_, "the graph")->required();
    opt->add_option("--passes", passes_, "names, separated by commas; all in order when absent")->delimiter(',');

    auto* ops = command("ops", "the operation reference, from the records", &CommandLine::ops);
    ops->add_option("NAME", name_, "one operation");
  }

  // Each --inputs has its --output.
  void check_runs() const {
    if (run_.inputs.size() == run_.outputs.size()) return;
    throw CLI::ValidationError("--output", "expected one for each of the " + std::to_string(run_.inputs.size()) +
                                               " --inputs, received " + std::to_string(run_.outputs.size()));
  }

  void summary() { mica::tool::summary(path_, summary_); }
  void dump() { mica::tool::dump(dump_); }
  void plot() { mica::tool::plot(path_, to_, plot_); }
  void run() {
    check_runs();
    mica::tool::run(run_);
  }
  void features() {
    check_runs();
    mica::tool::features(run_);
  }
  void fit() {
    fit_.quiet = quiet_;
    mica::tool::fit(fit_);
  }
  void evaluate() {
    evaluate_.quiet = quiet_;
    mica::tool::evaluate(evaluate_);
  }
  void convert() { mica::tool::convert(path_, to_, with_optimizer_); }
  void opt() { mica::tool::opt(path_, passes_); }
  void ops() { mica::tool::ops(name_); }

  CLI::App app_{"Mica, a symbolic model compiler: looks at models, runs them, and shows how they are compiled.",
                "mica"};
  bool quiet_ = false, with_optimizer_ = false;
  std::string path_, to_, name_;
  std::vector<std::string> passes_;
  mica::SummaryOptions summary_;
  mica::PlotOptions plot_;
  mica::tool::DumpArguments dump_;
  mica::tool::RunArguments run_;
  mica::tool::FitArguments fit_;
  mica::tool::EvaluateArguments evaluate_;
};

// One line, whatever the message holds.
int fail(const std::exception& error, int status) {
  std::string message = error.what();
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "mica: error: %s\n", message.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  try {
    line.app().parse(argc, argv);
    return kDone;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return line.app().exit(error);  // --help
    return fail(error, kWrongCommandLine);
  } catch (const std::exception& error) {
    return fail(error, kFailed);
  }
}
