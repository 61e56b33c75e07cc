#include "compiler/compile.h"

#include "compiler/stages.h"

namespace mica::compiler {

Compilation compile_until(const ir::Graph& source, const Options& options, std::optional<Stage> last) {
  Compilation made;
  made.graph = verified(source);
  if (last == Stage::kGraph) return made;
  run_passes(*made.graph, options);  // rewritten, differentiated, laid out, fused
  if (last == Stage::kFused) return made;
  made.plan = planned(*made.graph, options);  // kernels lowered and scheduled; steps in order, memory shared
  if (last == Stage::kLoop || last == Stage::kProgram) return made;
  made.kernels = machine_kernels(made.plan);  // elementary functions written out
  if (last == Stage::kLlvm || last == Stage::kAsm || last == Stage::kPtx) return made;
  made.program = loaded(made.plan, made.kernels, options);  // LLVM, machine code, tables
  return made;
}

}  // namespace mica::compiler
