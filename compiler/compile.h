// The one door of the compiler: a Graph becomes a Program of this machine.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/loop/cpu_target.h"
#include "compiler/program/plan.h"
#include "runtime/program.h"

namespace mica::compiler {

struct Options {
  loop::CpuTarget target = loop::native_target();
  bool libraries = true;       // false, or MICA_DISABLE=onednn: every operation through generated code
  int compute_capability = 0;  // of an NVIDIA GPU that kernels are scheduled for; 0: the CPU
  // Equal graphs compiled with equal options share one Program, whatever made them.
  std::string key() const;
};

// What a dump shows of the way of a model. Each text but LLVM IR and assembly reads back.
enum class Stage { kGraph, kFused, kLoop, kLlvm, kAsm, kPtx, kProgram };

// What the stages leave behind.
struct Compilation {
  std::unique_ptr<ir::Graph> graph;   // as written, then fused
  program::Plan plan;                 // scheduled kernels, and the steps that call them
  std::vector<loop::Kernel> kernels;  // as code generation takes them
  std::unique_ptr<rt::Program> program;
};

// The way of a graph, every stage in order: all of compile.cc. Ends after the stage `last`, or with a Program that
// runs.
Compilation compile_until(const ir::Graph& source, const Options& options, std::optional<Stage> last = {});

// The text of a stage.
std::string dump(const ir::Graph& graph, Stage stage, const Options& options = {});

class CompiledModel {
 public:
  CompiledModel(std::unique_ptr<ir::Graph> source, Options options);
  // Order of inputs, variables and updates: the graph's. Order of results: that of its outputs without the updates.
  const rt::Program& program() const { return *program_; }
  // The stage's text, made anew: nothing but the source is kept for it.
  std::string dump(Stage stage) const { return compiler::dump(*source_, stage, options_); }

 private:
  std::unique_ptr<ir::Graph> source_;
  Options options_;
  std::unique_ptr<rt::Program> program_;
};

// The Program of an equal graph when there is one in this process. Throws mica::Error where the graph cannot be
// compiled.
std::shared_ptr<const CompiledModel> compile(const ir::Graph& graph, const Options& options = {});

// The graph after all passes, and its plan: for dumps and tests.
std::unique_ptr<ir::Graph> optimized(const ir::Graph& graph, const Options& options = {});
program::Plan plan_of(const ir::Graph& fused, const Options& options = {});

// The steps of the graph for an NVIDIA GPU of compute capability `sm`: a PTX module a kernel, all of them generated.
std::string ptx_of(const ir::Graph& graph, int sm);

}  // namespace mica::compiler
