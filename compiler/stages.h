// The stages of compile.cc, one function each. They throw mica::Error for graphs that cannot be compiled.
#pragma once
#include <memory>
#include <vector>

#include "compiler/compile.h"
#include "compiler/loop/kernel.h"

namespace mica::compiler {

// A copy of the graph whose types and structure have been checked.
std::unique_ptr<ir::Graph> verified(const ir::Graph& source);
// Every pass of compiler/passes/pipeline.cc.
void run_passes(ir::Graph& graph, const Options& options);
// A scheduled kernel for each step, the order of the steps, their buffers.
program::Plan planned(const ir::Graph& fused, const Options& options);
// The plan's kernels as code generation takes them: elementary functions written out, shared values computed once.
std::vector<loop::Kernel> machine_kernels(const program::Plan& plan);
// Machine code for the kernels, and the tables of the runtime around it.
std::unique_ptr<rt::Program> loaded(const program::Plan& plan, const std::vector<loop::Kernel>& kernels,
                                    const Options& options);

}  // namespace mica::compiler
