// The one door of the compiler: a Graph becomes a Program of this machine.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "compiler/graph/graph.h"
#include "compiler/loop/cpu_target.h"
#include "compiler/program/plan.h"
#include "runtime/program.h"

namespace mica::compiler {

struct Options {
  loop::CpuTarget target = loop::native_target();
  bool libraries = true;  // false, or MICA_DISABLE=onednn: every operation through generated code
  // Equal graphs compiled with equal options share one Program, whatever made them.
  std::string key() const;
};

// What a dump shows of the way of a model. Each text but LLVM IR and assembly reads back.
enum class Stage { kGraph, kFused, kLoop, kLlvm, kAsm, kProgram };

class CompiledModel {
 public:
  CompiledModel(std::unique_ptr<ir::Graph> source, Options options);
  // Order of inputs, variables and updates: the graph's. Order of results: that of its outputs without the updates.
  const rt::Program& program() const { return *program_; }
  // The stage's text, made anew: nothing but the source is kept for it.
  std::string dump(Stage stage) const;

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
